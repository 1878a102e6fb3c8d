"""Two clients of one site on Authlib's Flask integration, which knows the issuer's address and nothing else of it.

`web` authenticates with its secret, `spa` is a public client with PKCE. Both sign in by the authorization code flow.
"""

import logging
import threading
import time

import flask
import werkzeug.serving
from authlib.integrations.flask_client import OAuth
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet
import requests

EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Site:
    def __init__(self, port, issuer, clients):
        self.url = f"http://127.0.0.1:{port}"
        self.issuer, self.clients = issuer, clients
        # What each client has of the person, and the sessions that it was told are over.
        self.tokens, self.ended = {}, {}
        self.told = threading.Condition()
        self.app = flask.Flask("relying-party")
        self.app.secret_key = "only for this run"
        self.oauth = OAuth(self.app)
        for name, client in clients.items():
            self.oauth.register(
                name, client_id=client["id"], client_secret=client["secret"],
                server_metadata_url=f"{issuer}/.well-known/openid-configuration",
                client_kwargs={
                    "scope": "openid profile email", "code_challenge_method": "S256",
                    "token_endpoint_auth_method": "client_secret_basic" if client["secret"] else "none",
                })
        for path, view, methods in [
            ("/<name>/login", self.login, ["GET"]), ("/<name>/callback", self.callback, ["GET"]),
            ("/<name>/backchannel", self.backchannel, ["POST"]), ("/bye", lambda: "signed out", ["GET"]),
        ]:
            self.app.add_url_rule(path, path, view, methods=methods)
        # Its lines would show every address with its code.
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = werkzeug.serving.make_server("127.0.0.1", port, self.app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def login(self, name):
        return getattr(self.oauth, name).authorize_redirect(f"{self.url}/{name}/callback")

    def callback(self, name):
        client = getattr(self.oauth, name)
        # Authlib checks state, iss, nonce, the signature and the claims of the ID token here.
        self.tokens[name] = client.authorize_access_token()
        return {"id_token": self.tokens[name]["userinfo"], "userinfo": client.userinfo(token=self.tokens[name])}

    def backchannel(self, name):
        """OpenID Connect Back-Channel Logout 1.0 section 2.6."""
        form = flask.request.form
        keys = KeySet.import_key_set(requests.get(self.metadata()["jwks_uri"], timeout=10).json())
        token = jwt.decode(form["logout_token"], keys, algorithms=["ES256"])
        claims = token.claims
        good = (
            list(form) == ["logout_token"] and token.header["typ"] == "logout+jwt" and claims["iss"] == self.issuer
            and claims["aud"] == self.clients[name]["id"] and abs(claims["iat"] - time.time()) < 60
            and claims["exp"] > time.time() and claims["jti"] and claims["events"] == {EVENT: {}} and "nonce" not in claims)
        with self.told:
            self.ended.setdefault(name, []).append(claims["sid"] if good else f"not a good logout token: {claims}")
            self.told.notify_all()
        return "", 200 if good else 400

    def wait_for_end(self, name, session):
        """True when `name` is told within ten seconds that `session` is over."""
        with self.told:
            return self.told.wait_for(lambda: session in self.ended.get(name, []), timeout=10)

    def metadata(self):
        return self.oauth.web.load_server_metadata()

    def refresh(self, name):
        client = self.clients[name]
        session = OAuth2Session(
            client["id"], client["secret"], token=dict(self.tokens[name]),
            token_endpoint_auth_method="client_secret_basic" if client["secret"] else "none")
        self.tokens[name] = {
            **self.tokens[name], **session.refresh_token(self.metadata()["token_endpoint"])}
        return self.tokens[name]

    def userinfo(self, name):
        return getattr(self.oauth, name).get(self.metadata()["userinfo_endpoint"], token=self.tokens[name])
