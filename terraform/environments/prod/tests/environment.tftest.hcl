# The environment of its own terraform.tfvars, with made-up values for what only AWS could tell. modules/environment/tests has all else.
mock_provider "aws" {
  source = "../../modules/environment/tests/mocks/aws"
}

mock_provider "tls" {
  source = "../../modules/environment/tests/mocks/tls"
}

variables {
  ami_id      = "ami-0123456789abcdef0" # stands in for what scripts/pin writes
  alarm_email = "ops@openclaw.test"     # and for what whoever runs this writes
}

run "one_apply_makes_the_whole_environment" {
  assert {
    condition     = output.name == "openclaw-${local.environment}" && output.endpoint == "api.${output.name}.internal" && length(output.master_instance_ids) == 1
    error_message = "an environment has its name, an endpoint and a master"
  }
  assert {
    condition     = output.region == local.shared.region && output.worst_case_workers == sum([for pool in var.pools : pool.max_per_zone * length(try(pool.zones, var.zones))])
    error_message = "pools and zones of terraform.tfvars must reach the workers"
  }
}

run "agents_grow_and_keep_to_their_pool" {
  assert {
    condition     = var.pools["agents"].max_per_zone > var.pools["agents"].min_per_zone && var.pools["agents"].taints[0].effect == "NoSchedule"
    error_message = "the autoscaler needs room in the agents' pool, and other Pods must stay away from it"
  }
}
