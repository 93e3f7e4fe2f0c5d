"""One `helm install` in an empty namespace brings up the whole product."""

import subprocess
import sys

from cluster.clients import URL
from cluster.conftest import HOST
from cluster.kube import Namespace, run, until


def test_the_journey_of_helm_test_passes(release: Namespace) -> None:
    assert "Phase:          Succeeded" in release.helm("test", "ps")
    assert not release.there("pod/ps-parkingspots-test-journey")


def test_the_journey_passes_through_the_ingress(release: Namespace) -> None:
    command = [sys.executable, "-m", "parkingspots", "journey", URL, "--host", HOST]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert release.name


def test_metrics_are_not_reached_from_outside(release: Namespace) -> None:
    answer = run("curl", "--silent", "--header", f"Host: {HOST}", f"{URL}/metrics", "--write-out", "%{http_code}")
    assert answer.endswith("404")
    pod = release.ready_pods("api")[0]
    fetch = (
        "import urllib.request as r; print(r.urlopen('http://ps-parkingspots-metrics:9090/metrics').read().decode())"
    )
    assert "parkingspots_reads_total" in release.kubectl(
        "exec", pod, "--container", "api", "--", "python3", "-c", fetch
    )


def test_the_application_is_no_superuser_of_its_database(release: Namespace) -> None:
    assert release.sql("SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user") == "f|f"


def test_no_pod_but_the_operators_has_a_token(release: Namespace) -> None:
    for pod in release.items("pods"):
        component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
        mounted = [v for v in pod["spec"]["volumes"] if "projected" in v]
        assert bool(mounted) == (component == "operator"), pod["metadata"]["name"]


def test_the_minute_job_runs_on_schedule_and_moves_a_booking(release: Namespace) -> None:
    renter, spot = release.sql("SELECT u.id, s.id FROM users u, spots s WHERE u.role = 'renter' LIMIT 1").split("|")
    booking = release.sql(
        "INSERT INTO bookings (spot_id, user_id, owner_id, status, payment_status, start_time, end_time, total_amount,"
        " service_fee, owner_payout, currency)"
        f" SELECT '{spot}', '{renter}', owner_id, 'confirmed', 'completed', now() - interval '3 days',"
        f" now() - interval '2 days', 770, 70, 700, 'EUR' FROM spots WHERE id = '{spot}' RETURNING id"
    )
    status = f"SELECT status FROM bookings WHERE id = '{booking}'"
    until(lambda: release.sql(status) == "completed", 150, "the minute job completes a past booking")
    assert int(release.sql("SELECT count(DISTINCT run_id) FROM job_runs WHERE ended_at IS NOT NULL")) > 0
