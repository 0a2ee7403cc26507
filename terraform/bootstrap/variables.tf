variable "alarm_email" {
  description = "Address that hears when the month's costs near the budget."
  type        = string

  validation {
    condition     = can(regex("^[^@ ]+@[^@ ]+[.][^@ ]+$", var.alarm_email))
    error_message = "alarm_email must be a mail address: a budget that tells nobody is no budget."
  }
}

variable "monthly_budget_usd" {
  description = "What the whole account may cost in a month, USD. See the cost table in docs/cost.md."
  type        = number
  default     = 500

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "monthly_budget_usd must be above 0."
  }
}

variable "github_repository" {
  description = "owner/name of the repository whose workflows may plan and apply; null takes it from clusters/staging/environment.yaml."
  type        = string
  default     = null

  validation {
    condition     = var.github_repository == null || can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "github_repository must be owner/name, without wildcards: a '*' would let other people's repositories in."
  }
}

variable "github_ids" {
  description = "GitHub's numbers of the repository's owner and of the repository, which outlive renames: `gh api repos/OWNER/NAME --jq '{owner: .owner.id, repository: .id}'`."
  type        = object({ owner = number, repository = number })

  validation {
    condition     = alltrue([for id in values(var.github_ids) : id >= 1 && floor(id) == id])
    error_message = "github_ids must hold the two whole numbers that `gh api repos/OWNER/NAME --jq '{owner: .owner.id, repository: .id}'` prints."
  }
}

variable "environments" {
  description = "GitHub Environments that may apply. Each carries the reviewers that its protection rules name."
  type        = set(string)
  default     = ["staging", "prod"]

  validation {
    condition     = length(var.environments) > 0 && alltrue([for environment in var.environments : can(regex("^[a-z]+$", environment))])
    error_message = "environments must name GitHub Environments in lower-case letters, without wildcards."
  }
}
