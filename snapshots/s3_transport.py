"""Requests to S3 and to what speaks its language, by boto3 (the extra `s3`), which is loaded on first use."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from snapshots.transport import Answer, ConnectionLost, Request, SetupWrong, user_agent

# A piece that was cut is lost, so pieces are small.
_CHUNK_BYTES = 8192
CREDENTIALS = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of ~/.aws/credentials in AWS_PROFILE"
)
# Said of keys and rights alone: where S3 limits it answers 503 SlowDown, so waiting mends none of these.
NOT_ALLOWED = frozenset(
    {
        "AccessDenied",
        "AccountProblem",
        "AllAccessDisabled",
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidSecurity",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


class S3Transport:
    """Files below `s3://bucket/prefix/`; see `Transport`.

    Credentials, region and endpoint are found as every AWS tool finds them. SetupWrong, with the fix,
    where boto3, the profile or the credentials are missing or refused, or there is no such bucket.
    """

    def __init__(self, root: str, contact: str = "") -> None:
        self._bucket, self._prefix = split_root(root)
        self._client = make_client(user_agent(contact))
        self.endpoint = str(self._client.meta.endpoint_url)

    def close(self) -> None:
        """See `Transport.close`."""
        self._client.close()

    @contextmanager
    def ask(self, request: Request) -> Iterator[Answer]:
        """See `Transport.ask`."""
        from botocore import exceptions

        try:
            response = self._send(request)
        except exceptions.ClientError as error:
            yield self._answer_of_error(error.response)
            return
        except exceptions.NoCredentialsError as error:
            raise SetupWrong(f"no AWS credentials were found; {CREDENTIALS}") from error
        except exceptions.CredentialRetrievalError as error:
            raise SetupWrong(f"{error}; {CREDENTIALS}") from error
        except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
            raise ConnectionLost(f"{type(error).__name__}: {error}") from error
        except exceptions.BotoCoreError as error:
            raise SetupWrong(f"{type(error).__name__}: {error}") from error
        body = response.get("Body")
        try:
            yield _answer(response, _iter_chunks(body) if body else iter(()))
        finally:
            if body:
                body.close()

    def _send(self, request: Request) -> dict[str, Any]:
        names = {"Bucket": self._bucket, "Key": self._prefix + request.path.lstrip("/")}
        if request.is_head:
            return dict(self._client.head_object(**names))
        options = {"Range": request.span} if request.span else {}
        if request.etag:
            options["IfMatch"] = request.etag
        return dict(self._client.get_object(**names, **options))

    def _answer_of_error(self, response: dict[str, Any]) -> Answer:
        """The answer, unless it names something that a person has to mend."""
        answer = _answer(response, iter(()))
        where = f"s3://{self._bucket}/ at {self.endpoint}"
        if answer.code in NOT_ALLOWED:
            raise SetupWrong(f"{where} refuses the AWS credentials ({answer.code}); {CREDENTIALS}")
        if answer.code == "NoSuchBucket":
            raise SetupWrong(f"{where}: there is no such bucket; mend the root, or AWS_ENDPOINT_URL")
        return answer


def split_root(root: str) -> tuple[str, str]:
    """Bucket and prefix of an `s3://` root; the prefix is empty or ends with a slash."""
    parts = urlsplit(root)
    prefix = parts.path.strip("/")
    return parts.netloc, f"{prefix}/" if prefix else ""


def find_endpoint() -> str:
    """The address that S3 requests go to. Raises SetupWrong as `S3Transport` does."""
    client = make_client("")
    try:
        return str(client.meta.endpoint_url)
    finally:
        client.close()


def make_client(agent: str, n_attempts: int = 1) -> Any:
    """A client of boto3 that tries a request so many times. Raises SetupWrong as `S3Transport` does."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, PartialCredentialsError
    except ImportError as error:
        raise SetupWrong("s3:// needs boto3; pip install 'crawlcensus[s3]'") from error
    config = Config(
        user_agent_extra=agent,
        connect_timeout=20,
        read_timeout=60,
        retries={"total_max_attempts": n_attempts, "mode": "standard"},
        # Whole files only have checksums; what arrives here is verified against its digest.
        response_checksum_validation="when_required",
    )
    try:
        return boto3.session.Session().client("s3", config=config)
    except PartialCredentialsError as error:
        raise SetupWrong(f"{error}; {CREDENTIALS}") from error
    except (BotoCoreError, ValueError) as error:
        raise SetupWrong(f"{error}; mend AWS_PROFILE, AWS_ENDPOINT_URL or ~/.aws/config") from error


def _answer(response: dict[str, Any], chunks: Iterator[bytes]) -> Answer:
    facts = response["ResponseMetadata"]
    headers = {name.lower(): str(value) for name, value in facts.get("HTTPHeaders", {}).items()}
    code = str(response.get("Error", {}).get("Code", ""))
    stated = headers.get("content-length", "") if code else ""
    return Answer(int(facts["HTTPStatusCode"]), headers, chunks, code, int(stated) if stated.isdigit() else 0)


def _iter_chunks(body: Any) -> Iterator[bytes]:
    from botocore.exceptions import BotoCoreError

    try:
        yield from body.iter_chunks(_CHUNK_BYTES)
    except BotoCoreError as error:
        raise ConnectionLost(f"{type(error).__name__}: {error}") from error
