# The interface outlives the instance: a replaced master has the address that etcd's membership and the record name.
resource "aws_network_interface" "master" {
  count = var.masters

  subnet_id       = var.subnet_ids[var.zones[count.index]]
  security_groups = [var.security_group_id]
  description     = "${var.name} master ${count.index}"

  tags = { Name = "${var.name}-master-${count.index}" }
}

resource "aws_instance" "master" {
  #checkov:skip=CKV_AWS_126:One-minute metrics cost 2 USD a month; the alarm on snapshots hears a lost master
  count = var.masters

  ami                     = var.ami_id
  instance_type           = var.instance_type
  iam_instance_profile    = var.instance_profile
  user_data_base64        = var.user_data_base64[count.index]
  ebs_optimized           = true
  disable_api_termination = var.termination_protection

  primary_network_interface {
    network_interface_id = aws_network_interface.master[count.index].id
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1 # pods are one hop further and get nothing
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = var.root_volume_gib
    encrypted   = true
    kms_key_id  = var.kms_key_arn
    tags        = merge(var.tags, { Name = "${var.name}-master-${count.index}-root" })
  }

  tags = {
    Name                                = "${var.name}-master-${count.index}"
    "kubernetes.io/cluster/${var.name}" = "owned"
  }

  lifecycle {
    # A new image or script is for the next master: it is replaced on purpose ('Replace the master' in
    # docs/infrastructure.md), never because somebody bumped a version for the workers.
    ignore_changes = [ami, user_data_base64]
  }

  # The first boot writes to all of these.
  depends_on = [aws_cloudwatch_log_group.nodes, aws_route53_record.api_one_master, aws_lb_listener.api]
}

# etcd's data has a life of its own. The boot script waits for the volume with this id, formats it only when it is blank,
# and stops when it does not come.
resource "aws_ebs_volume" "etcd" {
  #checkov:skip=CKV2_AWS_9:etcd is backed up by its own snapshots, which a restore is tested with; a disk image of a running etcd is not
  count = var.masters

  availability_zone = var.zones[count.index]
  type              = "gp3"
  size              = var.etcd_volume_gib
  encrypted         = true
  kms_key_id        = var.kms_key_arn

  tags = merge(var.tags, { Name = "${var.name}-etcd-${count.index}" })
}

resource "aws_volume_attachment" "etcd" {
  count = var.masters

  device_name                    = "/dev/sdf" # a name for EC2 only: the script finds the disk by the volume's id
  volume_id                      = aws_ebs_volume.etcd[count.index].id
  instance_id                    = aws_instance.master[count.index].id
  stop_instance_before_detaching = true
}
