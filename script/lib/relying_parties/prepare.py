"""Makes the tenant, the person and the clients through the management API, and Apache's site: prepare.py FOLDER.

Reads QIAO_URL, QIAO_OPERATOR_TOKEN, APACHE_PORT and AUTHLIB_PORT; leaves what the run needs in FOLDER/parties.json.
"""

import json
import os
import pathlib
import secrets
import sys

import requests


def main(folder):
    url, apache, authlib = (os.environ[name] for name in ("QIAO_URL", "APACHE_PORT", "AUTHLIB_PORT"))
    session = requests.Session()
    session.trust_env = False

    def post(path, token, body):
        answer = session.post(url + path, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=20)
        if answer.status_code != 201:
            raise SystemExit(f"POST {path}: {answer.status_code} {answer.text}")
        return answer.json()

    key = post("/v1/tenants", os.environ["QIAO_OPERATOR_TOKEN"], {"slug": "parties", "name": "Parties"})["api_key"]["key"]
    application = post("/t/parties/v1/identity-applications", key, {"slug": "site", "name": "Site"})["id"]
    password = secrets.token_urlsafe(16)
    user = post(f"/t/parties/v1/identity-applications/{application}/users", key, {
        "username": "buffy", "name": "Buffy Summers 巴菲", "email": "buffy@host.test", "email_verified": True,
        "password": password})

    def client(name, **settings):
        made = post("/t/parties/v1/oauth-clients", key, {
            "name": name, "identity_application_id": application, "scopes": ["openid", "profile", "email"], **settings})
        return {"id": made["id"], "secret": made.get("client_secret")}

    site, flask = f"http://127.0.0.1:{apache}", f"http://127.0.0.1:{authlib}"
    parties = {
        "issuer": f"{url}/t/parties/i/site", "password": password, "user": user["id"], "name": user["name"], "apache": site,
        "mod_auth_openidc": client(
            "Apache", type="web", redirect_uris=[f"{site}/protected/callback"],
            post_logout_redirect_uris=[f"{site}/bye.txt"], require_consent=False,
            backchannel_logout_uri=f"{site}/protected/callback?logout=backchannel"),
        "authlib": {
            name: client(
                f"Authlib {kind}", type=kind, redirect_uris=[f"{flask}/{name}/callback"],
                post_logout_redirect_uris=[f"{flask}/bye"], backchannel_logout_uri=f"{flask}/{name}/backchannel")
            for name, kind in [("web", "web"), ("spa", "spa")]
        },
    }
    folder = pathlib.Path(folder)
    (folder / "parties.json").write_text(json.dumps(parties))
    write_site(folder, apache, parties)


def write_site(folder, port, parties):
    home = folder / "apache"
    (home / "site" / "protected").mkdir(parents=True)
    (home / "site" / "protected" / "hello.txt").write_text("hello\n")
    (home / "site" / "bye.txt").write_text("bye\n")
    # Apache's children run as somebody without rights, who must get at the site.
    for path in [home, home / "site", home / "site" / "protected"]:
        path.chmod(0o755)
    for path in (home / "site").rglob("*.txt"):
        path.chmod(0o644)
    values = {
        "FOLDER": home, "LOGS": folder / "logs", "PORT": port, "MODULES": "/usr/lib/apache2/modules",
        "USER": "User www-data\nGroup www-data" if os.geteuid() == 0 else "", "ISSUER": parties["issuer"],
        "CLIENT": parties["mod_auth_openidc"]["id"], "SECRET": parties["mod_auth_openidc"]["secret"],
        "PASSPHRASE": secrets.token_urlsafe(24),
    }
    text = (pathlib.Path(__file__).parent / "apache.conf").read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    configuration = folder / "apache.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(text)


main(sys.argv[1])
