"""Charts of others with our values: what a cluster would refuse is seen before it meets one."""

import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from openclaw_gitops import chart_values
from openclaw_gitops.__main__ import main
from openclaw_gitops.chart_values import MORE, as_far_as, tree, unknown
from openclaw_gitops.charts import Chart, Helm, charts
from openclaw_gitops.duplicate_keys import duplicates
from openclaw_gitops.errors import UNAVAILABLE
from tests.gitops.conftest import ROOT

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: x}
spec:
  template:
    spec:
      containers: %s
"""


@pytest.mark.parametrize(
    ("containers", "said"),
    [
        ("[{name: a, env: [{name: AWS_REGION, value: x}, {name: AWS_REGION, value: x}]}]", "env has two entries with name AWS_REGION"),
        ("[{name: a}, {name: a}]", "containers has two entries with name a"),
        ("[{name: a, volumeMounts: [{name: b, mountPath: /x}, {name: c, mountPath: /x}]}]", "volumeMounts has two entries with mountPath /x"),
        ("[{name: a, ports: [{containerPort: 80}, {containerPort: 80, protocol: TCP}]}]", "two entries with containerPort 80, protocol TCP"),
        ("[{name: a, name: b}]", "containers.0.name occurs twice"),
        ("[{name: a, env: [{name: X}, {name: Y}], ports: [{containerPort: 53}, {containerPort: 53, protocol: UDP}]}]", ""),
        ("[{name: a, args: [x, x], env: []}]", ""),
    ],
)  # fmt: skip
def test_what_server_side_apply_refuses_is_a_fault(containers: str, said: str) -> None:
    found = list(duplicates(DEPLOYMENT % containers))

    assert len(found) == bool(said)
    assert not said or (said in found[0] and found[0].startswith("Deployment/x: "))


def test_ports_of_a_service_go_by_their_own_number() -> None:
    service = (
        "kind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80, targetPort: a}, {port: 80, targetPort: b}]}"
    )

    assert len(list(duplicates(service))) == 1
    assert not list(duplicates(service.replace("{port: 80, targetPort: b}", "{port: 81, targetPort: a}")))


def test_what_python_cannot_construct_is_no_stumbling_block() -> None:
    assert not list(duplicates("kind: CustomResourceDefinition\nmetadata: {name: x}\nspec: {enum: [=, '!=']}\n---\n"))


DEFAULTS = {"replicas": 1, "resources": {"requests": {"cpu": "1m"}}, "controller": {"env": [], "region": None}, "nodeSelector": {"os": "linux"}}  # fmt: skip


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replicas": 2, "resources": {"limits": {"memory": "1Mi"}}}, ""),
        ({"controller": {"env": [{"name": "X"}], "region": {"any": 1}}, "nodeSelector": {"pool": "system"}}, ""),
        ({"replica": 2}, "the chart has no value replica: did you mean replicas?"),
        ({"controller": {"regions": "x"}}, "the chart has no value controller.regions: did you mean region?"),
        ({"resources": {"limit": {}}}, "did you mean limits?"),
        ({"zebra": 1}, "the chart has no value zebra"),
    ],
)
def test_a_key_that_the_chart_does_not_know_is_a_fault(values: Mapping[str, object], said: str) -> None:
    for known in (tree(DEFAULTS), as_far_as(tree(DEFAULTS), values)):
        found = [what for _, what in unknown(values, known)]

        assert len(found) == bool(said)
        assert not said or said in found[0]


def test_keys_that_nobody_looked_up_are_told_from_keys_that_are_not_there() -> None:
    kept = as_far_as(tree(DEFAULTS), {"replicas": 2})

    assert isinstance(kept, dict)
    assert kept["controller"] == MORE
    [(_, what)] = unknown({"controller": {"env": []}}, kept)
    assert "--write-keys" in what


ENVIRONMENTS = ("staging", "prod")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_our_values_use_keys_that_their_charts_know(environment: str, tools: Mapping[str, str]) -> None:
    unseen = []
    wrong = []
    for chart in charts(ROOT, environment, tools):
        known = chart_values.kept(chart, ROOT)
        if known == MORE:
            unseen.append(f"{chart.name} {chart.version}")
        else:
            wrong += list(chart_values.faults(chart, ROOT, known))

    assert not wrong, "\n".join(wrong)
    if unseen:
        pytest.skip(
            f"the keys of {', '.join(unseen)} are NOT checked: run scripts/render-charts --write-keys with a network"
        )


def test_a_misspelt_value_is_told_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("# a comment\ncontroller:\n  regoin: x\n")
    chart = Chart(
        part="part", name="chart", repository="https://charts.example", version="1.0.0", release="r", namespace="n", files=("values.yaml",),
        values={"replcas": 1},
    )  # fmt: skip

    first, second = chart_values.faults(chart, tmp_path, tree(DEFAULTS))

    assert first == "values.yaml:3: the chart has no value controller.regoin: did you mean region? (chart 1.0.0)"
    assert second.startswith("clusters/base/apps/part.yaml: the chart has no value replcas")


@pytest.mark.parametrize("packed", [False, True])
def test_a_chart_within_a_chart_has_its_own_keys_and_what_is_said_around_it_wins(packed: bool, tmp_path: Path) -> None:
    """`helm show values` has those of the outer chart alone."""
    place = tmp_path / "outer"
    for folder, text in {
        "": "{inner: {enabled: true, a: {b: 2}}}",
        "charts/inner/": "{a: {b: 1, c: 1}, d: []}",
    }.items():
        (place / folder).mkdir(parents=True, exist_ok=True)
        (place / folder / "values.yaml").write_text(text)
    if packed:
        with tarfile.open(tmp_path / "outer-1.tgz", "w:gz") as archive:
            archive.add(place, "outer")
    program = tmp_path / "helm"
    program.write_text(f"#!/bin/sh\ncat {place}/values.yaml\n")
    program.chmod(0o755)

    defaults = Helm(program=str(program)).defaults(tmp_path / "outer-1.tgz" if packed else place)

    assert defaults == {"inner": {"enabled": True, "a": {"b": 2, "c": 1}, "d": []}}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_region_reaches_the_autoscaler_once(environment: str, tools: Mapping[str, str]) -> None:
    """The chart makes the variable AWS_REGION of `awsRegion`, and one variable each of `extraEnv`."""
    [chart] = [chart for chart in charts(ROOT, environment, tools) if chart.part == "cluster-autoscaler"]
    values = chart_values.used(chart, ROOT)

    assert values["awsRegion"]
    assert "AWS_REGION" not in values["extraEnv"]


# ---- with Helm itself


@pytest.fixture
def helm(tools: Mapping[str, str]) -> Mapping[str, str]:
    found = shutil.which(tools.get("HELM") or "helm", path=f"{ROOT / '.tools/bin'}:{tools['PATH']}")
    if not found:
        pytest.skip("helm is missing (scripts/helm builds it): what it makes of charts is NOT checked")
    return {**tools, "HELM": found}


TEMPLATE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}", namespace: "{{ .Release.Namespace }}"}
spec:
  template:
    spec:
      containers:
        - name: autoscaler
          env:
            - {name: AWS_REGION, value: "{{ .Values.awsRegion }}"}
            {{- range $name, $value := .Values.extraEnv }}
            - {name: "{{ $name }}", value: "{{ $value }}"}
            {{- end }}
"""


@pytest.fixture
def folder(tmp_path: Path, tools: Mapping[str, str]) -> Path:
    """Charts of the names that staging has; the autoscaler's has the shape of the real one."""
    for chart in charts(ROOT, "staging", tools):
        place = tmp_path / "charts" / chart.name
        (place / "templates").mkdir(parents=True)
        (place / "Chart.yaml").write_text(f"apiVersion: v2\nname: {chart.name}\nversion: {chart.version}\n")
        (place / "values.yaml").write_text(yaml.safe_dump({**chart_values.used(chart, ROOT)}))
        name = "x" if chart.part != "cluster-autoscaler" else ""
        (place / "templates/all.yaml").write_text(
            TEMPLATE if not name else "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
        )
    return tmp_path / "charts"


def test_charts_are_rendered_with_the_values_of_their_application(
    helm: Mapping[str, str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["render-charts", "prod", "--part", "cluster-autoscaler", "--charts", str(folder)]

    assert main(command, root=ROOT, env=helm) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    env = {entry["name"]: entry["value"] for entry in shown["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert shown["metadata"] == {"name": "cluster-autoscaler", "namespace": "kube-system"}
    assert env["AWS_ROLE_ARN"].endswith("role/openclaw-prod-cluster-autoscaler")


def test_a_render_that_a_cluster_would_refuse_fails(
    helm: Mapping[str, str], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree_ = tmp_path / "tree"
    for part in ("platform", "clusters"):
        shutil.copytree(ROOT / part, tree_ / part)
    values = tree_ / "platform/cluster-autoscaler/values.yaml"
    values.write_text(values.read_text().replace("extraEnv:\n", "extraEnv:\n  AWS_REGION: x\n"))

    code = main(["render-charts", "staging", "--charts", str(folder)], root=tree_, env=helm)

    said = capsys.readouterr().err
    assert code == 1
    assert "two entries with name AWS_REGION" in said


def test_without_helm_it_says_so_and_the_skipped_check_is_told(tools: Mapping[str, str]) -> None:
    assert main(["render-charts"], root=ROOT, env={**tools, "HELM": "no-such-helm"}) == UNAVAILABLE
    env = {"PATH": tools["PATH"], "HELM": "no-such-helm"}

    here, ci = (
        subprocess.run([ROOT / "scripts/check-charts"], env=env | more, capture_output=True, text=True, check=False)
        for more in ({}, {"CI": "true"})
    )

    assert here.returncode == 0
    assert "NOT checked" in here.stderr
    assert ci.returncode != 0
