"""Calls of the REST API over real sockets, and the thread that makes them for a service."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme
from tests.adapters.pieces import Collected, eventually, join_all, no_thread, threads_named
from tests.adapters.played_api import PlayedApi, answer, listed

from dojo_adapters import rest as module
from dojo_adapters.rest import Rest, RestThread
from dojo_proto import ConfigurationError, OrderUpdated, PartyUpdated, Settings
from dojo_proto.events import ApiCallFailed, Event, NoticesDropped, Registered, Unregistered
from dojo_proto.registration import LIST, write
from dojo_proto.rest import Answer, Failure
from dojo_simulator import ConnectProxy

KEY = "sk_sandbox_c4nary"
SERVED = ("ListAreas", "SearchOrders")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def api() -> Iterator[PlayedApi]:
    with PlayedApi() as api:
        yield api


def settings(api: PlayedApi | str, **fields: Any) -> Settings:
    chosen: dict[str, Any] = {
        "api_key": KEY,
        "api_url": api if isinstance(api, str) else api.url,
        "backoff_initial": 0.01,
        "backoff_max": 0.01,
        "jitter": 0,
    }
    return Settings(**(chosen | fields))


def reach(api: PlayedApi | str, context: ssl.SSLContext | None = None, **fields: Any) -> Rest:
    return Rest(settings(api, **fields), "acme-epos", context)


def failure(outcome: object) -> str:
    assert isinstance(outcome, Failure)
    assert KEY not in outcome.reason
    return outcome.reason


# One call.


def test_a_call_is_made_and_answered(api: PlayedApi) -> None:
    api.answers.append(answer(200, b"[]"))
    assert reach(api).perform(write(SERVED)) == Answer(
        url=f"{api.url}/epos/integrations/ws", body=b"[]"
    )
    (asked,) = api.asked
    assert asked.line == "PUT /epos/integrations/ws HTTP/1.1"
    assert asked.headers["authorization"] == f"Basic {KEY}"
    assert asked.headers["software-house-id"] == "acme-epos"
    assert asked.headers["version"] == "2026-02-27"
    assert asked.headers["content-type"] == "application/json"
    assert [each["name"] for each in asked.json["capabilities"]] == [*SERVED]


def test_a_large_answer_comes_whole(api: PlayedApi) -> None:
    body = b'"' + b"x" * 900_000 + b'"'
    api.answers.append(answer(200, body))
    outcome = reach(api).perform(LIST)
    assert isinstance(outcome, Answer)
    assert outcome.body == body


def test_a_large_request_leaves_whole(api: PlayedApi) -> None:
    names = tuple(f"{number:0100}" for number in range(20_000))
    assert isinstance(reach(api).perform(write(names)), Answer)
    assert len(api.asked[0].json["capabilities"]) == 20_000


def test_the_key_is_asked_for_before_each_call(api: PlayedApi) -> None:
    keys = iter(["sk_sandbox_1", "sk_sandbox_2"])
    rest = reach(api, api_key=lambda: next(keys))
    for _ in range(2):
        rest.perform(LIST)
    sent = [asked.headers["authorization"] for asked in api.asked]
    assert sent == ["Basic sk_sandbox_1", "Basic sk_sandbox_2"]
    assert failure(rest.perform(LIST)) == "Settings.api_key() raised StopIteration"


def test_an_answer_that_is_cut_off_is_a_failure(api: PlayedApi) -> None:
    api.answers.append(answer(200, b"[]")[:-1])
    assert "was cut off after 1 bytes" in failure(reach(api).perform(LIST))


def test_a_peer_that_does_not_answer_is_given_up(api: PlayedApi) -> None:
    api.answers.append(None)
    assert "no answer within 0.5 s" in failure(reach(api, api_timeout=0.5).perform(LIST))


def test_where_nobody_listens_it_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    reason = failure(reach(f"http://127.0.0.1:{port}").perform(LIST))
    assert f"no connection to 127.0.0.1:{port}: " in reason


def test_a_connection_that_is_reset_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise ConnectionResetError(104, "Connection reset by peer")

    with PlayedApi() as api:
        monkeypatch.setattr(module, "_read", fail)
        reason = failure(reach(api).perform(LIST))
    assert reason.endswith("the connection was lost: Connection reset by peer")


def test_a_call_that_nobody_wants_ends_soon(
    api: PlayedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GLANCE", 0.01)
    api.answers.append(None)
    wanted = threading.Event()
    wanted.set()
    outcomes = Collected[object]()
    calling = threading.Thread(target=lambda: outcomes.put(reach(api).perform(LIST, wanted.is_set)))
    calling.start()
    api.wait(1)
    wanted.clear()
    assert "nobody wants it" in failure(outcomes.wait(1)[0])
    calling.join()


# TLS and proxies.


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(ca: trustme.CA) -> Iterator[PlayedApi]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    with PlayedApi(context) as api:
        yield api


@pytest.fixture
def trusting(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return context


def test_it_speaks_tls_with_whom_it_trusts(secure: PlayedApi, trusting: ssl.SSLContext) -> None:
    assert isinstance(reach(secure, trusting).perform(LIST), Answer)


def test_a_certificate_that_is_not_trusted_is_explained(secure: PlayedApi) -> None:
    reason = failure(reach(secure, ssl.create_default_context()).perform(LIST))
    assert "TLS with 127.0.0.1 failed: its certificate is refused" in reason
    assert secure.asked == []


def test_a_context_that_trusts_everybody_is_refused(secure: PlayedApi) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    assert failure(reach(secure, context).perform(LIST)).startswith("ssl_context: it does not")


def test_it_goes_through_a_proxy(secure: PlayedApi, trusting: ssl.SSLContext) -> None:
    with ConnectProxy() as proxy:
        assert isinstance(reach(secure, trusting, proxy=proxy.url).perform(LIST), Answer)
    assert len(secure.asked) == 1


def test_a_proxy_that_is_not_there_is_told_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        proxy = f"127.0.0.1:{gone.getsockname()[1]}"
    monkeypatch.setenv("HTTPS_PROXY", f"http://till:s3cret@{proxy}")
    reason = failure(reach("https://api.example").perform(LIST))
    assert f"no connection to the proxy {proxy} (of HTTPS_PROXY): " in reason
    assert "s3cret" not in reason


def test_a_proxy_that_cannot_be_used_is_a_failure_of_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy:1")
    assert failure(reach("https://api.example").perform(LIST)).startswith("HTTPS_PROXY: proxy: ")


# The thread.


class Watched:
    """A thread of a service, and what it tells."""

    def __init__(self, api: PlayedApi | str, **fields: Any) -> None:
        chosen = settings(api, **fields)
        self.events = Collected[Event]()
        self.thread = RestThread(Rest(chosen, "acme-epos"), chosen, self.events.put)

    def running(self) -> bool:
        return bool(threads_named("dojo-rest"))


@pytest.fixture
def watch() -> Iterator[Callable[..., Watched]]:
    join_all("dojo-rest")  # what services of other tests have left ends by itself
    watched: list[Watched] = []

    def watch(api: PlayedApi | str, **fields: Any) -> Watched:
        watched.append(Watched(api, **fields))
        return watched[-1]

    yield watch
    for each in watched:
        each.thread.abort()
        eventually(lambda: not each.running(), "the thread ends")  # noqa: B023 - called at once


def test_it_registers_from_its_start_on(api: PlayedApi, watch: Callable[..., Watched]) -> None:
    watched = watch(api)
    watched.thread.register(SERVED)
    assert not watched.running()
    assert watched.thread.report() == ("pending", 0, 0)
    watched.thread.start()
    assert watched.events.wait(1) == [Registered(capabilities=SERVED, changed=True)]
    assert [asked.line.split()[0] for asked in api.asked] == ["GET", "PUT", "GET"]
    assert watched.thread.report() == ("done", 0, 0)


def test_it_tries_again_until_it_is_done(api: PlayedApi, watch: Callable[..., Watched]) -> None:
    api.answers.extend([answer(503), answer(429, b"", "Retry-After: 0"), listed(*SERVED)])
    watched = watch(api)
    watched.thread.register(SERVED)
    watched.thread.start()
    first, second, done = watched.events.wait(3)
    assert isinstance(first, ApiCallFailed)
    assert isinstance(second, ApiCallFailed)
    assert (first.status, second.status) == (503, 429)
    assert done == Registered(capabilities=SERVED, changed=False)


def test_it_says_what_dojo_did_not_take(api: PlayedApi, watch: Callable[..., Watched]) -> None:
    api.answers.extend([listed(), answer(200), listed("ListAreas")])
    watched = watch(api)
    watched.thread.register(SERVED)
    watched.thread.start()
    assert watched.events.wait(1) == [Unregistered(capabilities=("SearchOrders",))]


def test_no_thread_runs_for_a_service_that_says_nothing(
    api: PlayedApi, watch: Callable[..., Watched]
) -> None:
    watched = watch(api)
    watched.thread.start()
    watched.thread.linked(up=True)
    assert not watched.running()
    watched.thread.stop()
    assert watched.thread.close(0.0)


def test_a_first_notice_finds_the_connection_that_was_there_before(
    api: PlayedApi, watch: Callable[..., Watched]
) -> None:
    watched = watch(api)
    watched.thread.start()
    watched.thread.linked(up=True)
    watched.thread.notify(OrderUpdated("1"))
    assert api.wait(1)[0].json == {"eventType": "OrderUpdated", "event": {"orderId": "1"}}
    eventually(lambda: watched.thread.report() == ("off", 0, 0), "it is sent")


@pytest.mark.parametrize("end", [RestThread.stop, RestThread.abort])
def test_a_first_notice_after_the_end_is_dropped_and_that_is_said(
    api: PlayedApi, watch: Callable[..., Watched], end: Callable[[RestThread], None]
) -> None:
    watched = watch(api)
    watched.thread.start()
    end(watched.thread)
    watched.thread.notify(OrderUpdated("1"))
    assert watched.thread.report() == ("off", 0, 1)
    assert watched.events.wait(1) == [NoticesDropped(count=1, reason="the service has ended")]
    assert not watched.running()
    assert watched.thread.close(0.0)


def test_a_notice_leaves_at_once_or_as_soon_as_it_can(
    api: PlayedApi, watch: Callable[..., Watched]
) -> None:
    watched = watch(api)
    watched.thread.notify(OrderUpdated("1"))
    assert not watched.running()
    watched.thread.start()
    assert watched.thread.report() == ("off", 1, 0)
    watched.thread.linked(up=True)
    assert api.wait(1)[0].json == {"eventType": "OrderUpdated", "event": {"orderId": "1"}}
    watched.thread.notify(PartyUpdated("2"))
    assert api.wait(2)[1].json == {"eventType": "PartyUpdated", "event": {"partyId": "2"}}
    eventually(lambda: watched.thread.report() == ("off", 0, 0), "both are sent")


def test_notifying_never_waits_for_a_call(api: PlayedApi, watch: Callable[..., Watched]) -> None:
    api.answers.append(None)
    watched = watch(api)
    watched.thread.start()
    watched.thread.linked(up=True)
    watched.thread.notify(OrderUpdated("0"))
    api.wait(1)
    for number in range(100):
        watched.thread.notify(OrderUpdated(str(number % 10)))
    assert watched.thread.report() == ("off", 11, 0)


def test_what_is_no_notice_is_refused_where_it_is_said(
    api: PlayedApi, watch: Callable[..., Watched]
) -> None:
    with pytest.raises(ConfigurationError, match="expected a notice"):
        watch(api).thread.notify("order-1")  # type: ignore[arg-type] # that is what is tested


def test_a_stop_waits_for_what_is_still_to_be_said(
    api: PlayedApi, watch: Callable[..., Watched]
) -> None:
    watched = watch(api)
    watched.thread.start()
    watched.thread.notify(OrderUpdated("1"))  # which waits for a connection
    watched.thread.stop()
    assert watched.thread.close(5.0)
    assert len(api.asked) == 1
    assert watched.thread.report() == ("off", 0, 0)


def test_it_does_not_wait_longer_than_it_is_told(
    api: PlayedApi, watch: Callable[..., Watched]
) -> None:
    api.answers.append(None)
    watched = watch(api)
    watched.thread.start()
    watched.thread.notify(OrderUpdated("1"))
    watched.thread.stop()
    api.wait(1)
    assert not watched.thread.close(0.01)


def test_last_words_that_nobody_hears_are_given_up_in_time(
    api: PlayedApi, watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dojo_proto.registrar.LAST_WORDS", 0.05)
    api.answers.append(None)
    watched = watch(api)
    watched.thread.start()
    watched.thread.notify(OrderUpdated("1"))
    watched.thread.stop()
    assert watched.thread.close(5.0)
    (event,) = watched.events.wait(1)
    assert isinstance(event, NoticesDropped)


def test_an_abort_waits_for_nothing(
    api: PlayedApi, watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GLANCE", 0.01)
    api.answers.append(None)
    watched = watch(api)
    watched.thread.register(SERVED)
    watched.thread.start()
    api.wait(1)
    watched.thread.abort()
    assert watched.thread.close(0.0)
    eventually(lambda: not watched.running(), "the thread ends")


def test_where_the_system_gives_no_thread_the_next_call_tries_again(
    api: PlayedApi, watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = watch(api)
    watched.thread.start()
    watched.thread.linked(up=True)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        watched.thread.notify(OrderUpdated("1"))
    watched.thread.notify(OrderUpdated("2"))
    assert [asked.json["event"]["orderId"] for asked in api.wait(2)] == ["1", "2"]
