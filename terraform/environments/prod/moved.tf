# Where things stood before there was modules/environment: an environment that was applied then is not built anew.
moved {
  from = module.encryption
  to   = module.environment.module.encryption
}

moved {
  from = module.network
  to   = module.environment.module.network
}

moved {
  from = module.backup
  to   = module.environment.module.backup
}

moved {
  from = module.iam
  to   = module.environment.module.iam
}

moved {
  from = module.gitops
  to   = module.environment.module.gitops
}

moved {
  from = module.control_plane
  to   = module.environment.module.control_plane
}

moved {
  from = module.workers
  to   = module.environment.module.workers
}

moved {
  from = module.user_data
  to   = module.environment.module.user_data
}

moved {
  from = aws_secretsmanager_secret.this
  to   = module.environment.aws_secretsmanager_secret.this
}
