import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox.admin import ROUTES
from sandbox.faults import HISTORY, TRANSPORT
from sandbox.spotify import serve
from sources.problem import UsageProblem

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.com", "::"])  # noqa: S104
def test_no_other_address_than_loopback_can_be_served(world, host):
    with pytest.raises(UsageProblem, match=r"127\.0\.0\.1"):
        serve(world, host=host)


def test_the_socket_is_bound_to_loopback_alone(server):
    port = urlsplit(server.url).port
    outside = socket.gethostbyname(socket.gethostname())
    if outside.startswith("127."):
        pytest.skip("this machine has no address besides loopback")
    with socket.socket() as other:
        other.settimeout(3)
        assert other.connect_ex((outside, port)) != 0


@pytest.mark.parametrize("path", ["/v1/me", "/admin/plays", "/authorize"])
def test_requests_that_name_another_host_are_refused(server, path):
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(server.url).port, timeout=10)
    connection.request("GET", path, headers={"Host": "evil.example.com"})
    assert connection.getresponse().status == 421
    connection.close()


def test_the_readme_names_every_route_and_every_fault():
    readme = (ROOT / "sandbox/README.md").read_text()
    for route in ROUTES:
        assert route.split(" ", 1)[1] in readme
        assert route.split(" ", 1)[0] in readme
    for kind in (*TRANSPORT, *HISTORY):
        assert f"| `{kind}` |" in readme


def test_the_list_of_routes_is_what_the_server_answers(server):
    assert server.admin("GET /admin") == ROUTES
    assert set(server.service.admin._routes) == set(ROUTES)


def test_unknown_admin_routes_and_broken_bodies_are_refused(server):
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(server.url).port, timeout=10)
    for method, path, body, status in (
        ("GET", "/admin/nowhere", None, 404), ("POST", "/admin/advance", "{", 400),
        ("POST", "/admin/advance", "{}", 400), ("POST", "/admin/advance", '{"seconds": -1}', 400),
        ("POST", "/admin/mode", '{"quota": "gold"}', 400), ("POST", "/admin/plays", '{"track_id": "x"}', 400),
        ("POST", "/admin/faults", "[]", 400), ("GET", "/", None, 404),
    ):  # fmt: skip
        connection.request(method, path, body)
        answer = connection.getresponse()
        assert (path, answer.status) == (path, status)
        assert json.loads(answer.read())["error"]["message"]
    connection.close()


def test_many_clients_at_once_get_whole_answers(server, get):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: get.recent(), range(40)))
    assert all(page == pages[0] for page in pages)
    told = [p["times_offered"] for p in server.admin("GET /admin/plays?from=2026-02-01") if p["was_offered"]]
    assert told == [40] * 50


def test_a_stopped_server_answers_nobody_not_even_on_open_connections(world):
    server = serve(world)
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(server.url).port, timeout=10)

    def ask():
        connection.request("GET", "/admin/now")
        return connection.getresponse().read()

    assert ask()
    server.stop()
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask()


def test_clients_that_leave_make_no_noise(server, get, capfd):
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", urlsplit(server.url).port)) as left:
            left.sendall(b"GET /v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n")
    assert get("me").status_code == 200
    assert capfd.readouterr().err == ""


def test_it_runs_by_itself(made, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "sandbox", str(made), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        told = "".join(iter(process.stdout.readline, "}\n")) + "}"
        assert json.loads(told)["api_url"] == f"http://127.0.0.1:{port}/v1/"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/admin/now")
        assert connection.getresponse().status == 200
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        process.stdout.close()
