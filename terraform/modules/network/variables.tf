variable "name" {
  description = "Prefix of every name, <project>-<environment>, for example openclaw-staging."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,30}$", var.name))
    error_message = "name must be 3 to 31 lower-case letters, digits and hyphens: it becomes part of bucket and role names."
  }
}

variable "region" {
  description = "AWS region, for the names of endpoint services."
  type        = string
}

variable "zones" {
  description = "Availability zones, 2 or 3 (each costs a NAT gateway with nat_mode gateway_per_zone). Append only: the order decides the subnets' addresses."
  type        = list(string)

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 3 && length(distinct(var.zones)) == length(var.zones)
    error_message = "zones must name 2 or 3 different availability zones, for example [\"eu-central-1a\", \"eu-central-1b\"]."
  }

  validation {
    condition     = alltrue([for zone in var.zones : startswith(zone, var.region)])
    error_message = "every zone must lie in the region: see `aws ec2 describe-availability-zones`."
  }
}

variable "vpc_cidr" {
  description = "The VPC's addresses, a /16. Nodes get a /20 a zone, NAT and load balancers a /24 a zone."
  type        = string

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && endswith(var.vpc_cidr, "/16")
    error_message = "vpc_cidr must be a /16 in CIDR notation, for example 10.20.0.0/16."
  }
}

variable "control_cidr" {
  description = "The masters' addresses (api_server_cidr of clusters/<env>/environment.yaml), a /26 in the first /24 of the VPC; cut into a /28 a zone."
  type        = string

  validation {
    condition     = can(cidrhost(var.control_cidr, 0)) && endswith(var.control_cidr, "/26")
    error_message = "control_cidr must be a /26 in CIDR notation, for example 10.20.0.0/26."
  }

  validation {
    condition = try(
      cidrhost("${split("/", var.control_cidr)[0]}/24", 0) == cidrhost(var.vpc_cidr, 0), false
    )
    error_message = "control_cidr must lie in the first /24 of vpc_cidr: the rest belongs to the other subnets. Make api_server_cidr in clusters/<env>/environment.yaml and vpc_cidr agree."
  }
}

variable "pod_cidr" {
  description = "Addresses of pods; never routed outside the nodes."
  type        = string

  validation {
    condition     = can(cidrhost(var.pod_cidr, 0))
    error_message = "pod_cidr must be in CIDR notation, for example 10.244.0.0/16."
  }

  # Two ranges overlap when they are equal after cutting both to the shorter prefix.
  validation {
    condition = try(
      cidrhost("${split("/", var.pod_cidr)[0]}/${min(split("/", var.pod_cidr)[1], split("/", var.vpc_cidr)[1])}", 0)
      != cidrhost("${split("/", var.vpc_cidr)[0]}/${min(split("/", var.pod_cidr)[1], split("/", var.vpc_cidr)[1])}", 0), false
    )
    error_message = "pod_cidr overlaps vpc_cidr: pods and nodes would shadow each other. Choose another, for example 10.244.0.0/16."
  }
}

# Nothing here uses it but its validations: the place that knows all ranges is the place to see that they overlap.
# tflint-ignore: terraform_unused_declarations
variable "service_cidr" {
  description = "Virtual addresses of Services."
  type        = string

  validation {
    condition     = can(cidrhost(var.service_cidr, 0))
    error_message = "service_cidr must be in CIDR notation, for example 10.96.0.0/16."
  }

  validation {
    condition = try(alltrue([for other in [var.vpc_cidr, var.pod_cidr] :
      cidrhost("${split("/", var.service_cidr)[0]}/${min(split("/", var.service_cidr)[1], split("/", other)[1])}", 0)
      != cidrhost("${split("/", other)[0]}/${min(split("/", var.service_cidr)[1], split("/", other)[1])}", 0)
    ]), false)
    error_message = "service_cidr overlaps vpc_cidr or pod_cidr. Choose another, for example 10.96.0.0/16."
  }
}

variable "nat_mode" {
  description = "How nodes reach the internet: gateway_per_zone (survives the loss of a zone), gateway (one, cheaper), instance (one small instance, cheapest, a single point of failure). There is no 'none': Telegram, Groq and the registries have no endpoint in a VPC."
  type        = string

  validation {
    condition     = contains(["gateway_per_zone", "gateway", "instance"], var.nat_mode)
    error_message = "nat_mode must be gateway_per_zone, gateway or instance. Without NAT the bot cannot reach Telegram or Groq."
  }
}

variable "nat_instance" {
  description = "For nat_mode instance only: AMI id (Debian 13, of the type's architecture) and instance type."
  type = object({
    ami_id = string
    type   = optional(string, "t3.nano")
  })
  default = null

  validation {
    condition     = var.nat_mode != "instance" || try(can(regex("^ami-[0-9a-f]{8,17}$", var.nat_instance.ami_id)), false)
    error_message = "nat_mode instance needs nat_instance = { ami_id = \"ami-...\" }: run `scripts/pin` to look up Debian's official image for this region."
  }
}

variable "interface_endpoints" {
  description = "AWS services reached inside the VPC instead of through NAT, for example [\"ssm\", \"ssmmessages\", \"ec2messages\", \"secretsmanager\", \"sts\", \"logs\"]. Each costs an hourly price a zone; none is needed."
  type        = set(string)
  default     = []
}

variable "api_allow_cidrs" {
  description = "Further private ranges that may reach the API server on 6443 (a VPN, a peered VPC). The API server has no public address, so empty means: from inside the VPC by Session Manager only."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.api_allow_cidrs : can(cidrhost(cidr, 0)) && try(tonumber(split("/", cidr)[1]) >= 8, false)])
    error_message = "api_allow_cidrs must hold ranges of /8 or narrower in CIDR notation. 0.0.0.0/0 is refused: the API server is not for the internet; name the VPN's or office's range."
  }
}

variable "flow_log_retention_days" {
  description = "How long flow logs are kept, in days."
  type        = number
  default     = 365
}

variable "kms_key_arn" {
  description = "Key that encrypts the flow logs and the NAT instance's disk."
  type        = string
}
