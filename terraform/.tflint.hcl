# `scripts/terraform-check` runs tflint with this where it is installed. Of AWS's own ruleset nothing is asked for: tflint would
# have to download it; values are judged by checkov and the tests.
plugin "terraform" {
  enabled = true
  preset  = "all"
}

# One file for each concern is easier to find things in than main.tf.
rule "terraform_standard_module_structure" {
  enabled = false
}
