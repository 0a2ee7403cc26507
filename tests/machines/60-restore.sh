# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# The master and its disk are lost: a new one with another address becomes the same cluster.

kubectl create serviceaccount visitor >/dev/null
kubectl create clusterrolebinding visitor --clusterrole view --serviceaccount default:visitor >/dev/null
token=$(kubectl create token visitor --duration 2h)
on control systemctl start openclaw-snapshot.service || fail "the snapshot failed"
snapshot=$(<"$(aws_state)/s3/$bucket/etcd/latest")
[[ -s $(aws_state)/s3/$bucket/$snapshot ]] || fail "no snapshot in S3"
grep --quiet "cloudwatch put-metric-data.*EtcdSnapshotStored" "$(aws_state)/calls.log" || fail "the alarm was not told of the snapshot"
say "a snapshot is in S3: $snapshot"

machines off control
render new etcd_volume_id=vol-0fedcba9876543210
second_disk=$(disk second)
disks+=("$second_disk")
boot second "$work/new/control-plane"
endpoint_is second
master=second

# Two disks that are not its own, under the name that it waits for. Neither may be written to.
rehearse() { # rehearse DISK WORDS: the script refuses this disk, says so, and leaves it as it was
  local before
  before=$(sha256sum <"$1")
  attach second "$1" vol-0fedcba9876543210
  on second /usr/local/lib/openclaw/etcd-volume >"$work/refused" 2>&1 && fail "a wrong disk was taken"
  grep --quiet "$2" "$work/refused" || fail "a wrong disk was refused without a reason: $(<"$work/refused")"
  [[ $(sha256sum <"$1") == "$before" ]] || fail "a wrong disk was written to"
  detach second
}
within 60 on second systemctl --quiet is-enabled openclaw-etcd-volume.service || fail "the new master did not boot"
on second systemctl stop openclaw-boot.service openclaw-etcd-volume.service
unknown_disk=$(disk unknown 100M) # small: it is read as a whole, twice
disks+=("$unknown_disk")
head --bytes 1M /dev/urandom | dd of="$unknown_disk" bs=1M status=none
rehearse "$unknown_disk" "holds something unknown: not formatted"
mkdir "$work/foreign"
echo openclaw-other >"$work/foreign/cluster"
foreign_disk=$(disk foreign 100M)
disks+=("$foreign_disk")
mkfs.ext4 -q -d "$work/foreign" "$foreign_disk"
rehearse "$foreign_disk" "belongs to cluster openclaw-other"
say "a disk with unknown content and one of another cluster are refused and left as they were"

# What mkfs leaves behind when it is cut off is unknown content too, but of a disk that this machine has seen blank.
on second bash -c 'echo vol-0fedcba9876543210 >/var/lib/openclaw/formatting'
attach second "$unknown_disk" vol-0fedcba9876543210
on second /usr/local/lib/openclaw/etcd-volume >"$work/again" 2>&1 || fail "a formatting that was cut off is not begun again: $(<"$work/again")"
[[ $(on second cat /var/lib/etcd/cluster) == openclaw-test ]] || fail "the new file system has no owner"
! on second test -e /var/lib/openclaw/formatting || fail "the master would format that disk once more"
on second umount /var/lib/etcd
detach second
say "a formatting that was cut off is begun again"

on second systemctl start --no-block openclaw-boot.service
attach second "$second_disk" vol-0fedcba9876543210
within 120 told "etcd's disk is blank" || fail "a blank master did not stop although snapshots exist"
! on second test -e /etc/kubernetes/manifests/etcd.yaml || fail "the blank master started a new cluster"
say "a new master with a blank disk stopped and said what to do"

on second /usr/local/lib/openclaw/restore-etcd latest >"$work/restore.log" 2>&1 || { tail -n 30 "$work/restore.log"; fail "the restore failed"; }
say "restore-etcd has ended"
[[ $(kubectl get secret before --output 'jsonpath={.data.word}' | base64 --decode) == kept-4f1c9a ]] || fail "the Secret cannot be read back"
within 120 ready second || fail "the new master is not Ready"
within 180 ready worker || fail "the old worker did not become Ready"
on second kubectl --server "https://$endpoint:6443" --certificate-authority /etc/kubernetes/pki/ca.crt --token "$token" get pods >/dev/null || fail "a token from before is refused"
! kubectl get node "$(node control)" >/dev/null 2>&1 || fail "the lost master is still a node"
! on second /usr/local/lib/openclaw/restore-etcd etcd/none.db >"$work/none" 2>&1 || fail "a snapshot that does not exist was restored"
grep --quiet "no snapshot etcd/none.db: nothing was stopped" "$work/none" || fail "a snapshot that does not exist is refused without a reason: $(<"$work/none")"
kubectl get --raw /readyz >/dev/null || fail "asking for a snapshot that does not exist has stopped the control plane"
say "a Secret is read back, the old worker is Ready without joining again, a token from before works"
