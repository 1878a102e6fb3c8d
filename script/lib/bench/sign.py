"""Signs what a load with private_key_jwt and DPoP sends; a load generator cannot.

sign.py key FILE                                     makes a P-256 key and prints its public JWK with a kid
sign.py pushed FILE COUNT CLIENT ISSUER FORM         a line each of "DPOP FORM" for the pushed authorization request endpoint
sign.py redeemed FILE CODES CLIENT ISSUER FORM       the same for the token endpoint, with the codes of a file

Sources: RFC 7523 section 3 (assertion), RFC 9449 section 4.2 (proof). The codes' one key signs both.
"""

import base64
import json
import secrets
import sys
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(key):
    numbers = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}


def signed(key, header, claims):
    text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return text + "." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def assertion(key, client, issuer):
    now = int(time.time())
    claims = {"iss": client, "sub": client, "aud": issuer, "iat": now, "exp": now + 240, "jti": secrets.token_urlsafe(16)}
    return signed(key, {"alg": "ES256", "kid": "bench", "typ": "JWT"}, claims)


def proof(key, url):
    claims = {"htm": "POST", "htu": url, "iat": int(time.time()), "jti": secrets.token_urlsafe(16)}
    return signed(key, {"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk(key)}, claims)


def lines(key, client, issuer, endpoint, forms):
    kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    for form in forms:
        print(f"{proof(key, endpoint)} {form}&client_assertion_type={kind}&client_assertion={assertion(key, client, issuer)}")


def main():
    command, file = sys.argv[1:3]
    if command == "key":
        key = ec.generate_private_key(ec.SECP256R1())
        with open(file, "wb") as out:
            out.write(key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        print(json.dumps(jwk(key) | {"kid": "bench", "alg": "ES256", "use": "sig"}))
        return
    with open(file, "rb") as pem:
        key = serialization.load_pem_private_key(pem.read(), None)
    count, client, issuer, form = sys.argv[3:7]
    if command == "pushed":
        lines(key, client, issuer, issuer + "/par", (form for _ in range(int(count))))
    else:
        with open(count) as codes:
            lines(key, client, issuer, issuer + "/token", (form + "&code=" + code.strip() for code in codes if code.strip()))


main()
