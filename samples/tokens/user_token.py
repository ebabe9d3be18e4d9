"""Signs a user token on the shop's own server (Python 3.8 or later, no packages).

    VITRINE_KEY=vs_... python3 user_token.py USER EXPIRY     the token of a user until a time in seconds since 1970

Sign it when somebody has logged in, and let the page send it as `X-Vitrine-User`. The key never leaves the server.
"""

import base64
import hashlib
import hmac
import os
import sys
import time


def _mac(key: bytes, text: str):
    return hmac.new(key, text.encode("utf-8"), hashlib.sha256)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def user_token(server_key: str, user: str, expiry=None) -> str:
    """The token of a user; `expiry` is in seconds since 1970, an hour from now unless set."""
    key = server_key.encode("utf-8")
    if expiry is None:
        expiry = int(time.time()) + 3600
    key_id = _mac(key, "vitrine user token id").hexdigest()[:16]
    secret = _mac(key, "vitrine user token key").digest()
    signed = f"v1.{key_id}.{_base64url(user.encode('utf-8'))}.{int(expiry)}"
    return f"{signed}.{_base64url(_mac(secret, signed).digest())}"


if __name__ == "__main__":
    if len(sys.argv) != 3 or not sys.argv[2].isdigit() or not os.environ.get("VITRINE_KEY"):
        sys.exit("VITRINE_KEY=vs_... python3 user_token.py USER EXPIRY")
    print(user_token(os.environ["VITRINE_KEY"], sys.argv[1], int(sys.argv[2])))
