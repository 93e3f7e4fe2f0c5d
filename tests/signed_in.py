"""Whether somebody is signed in, as tests ask for it."""

from product import Api, Person


async def refreshed(api: Api, who: Person, **headers: str) -> Person:
    """`who` with the tokens that theirs are good for."""
    sent = {"refresh_token": who.refresh_token}
    tokens = (await api.request("POST", "/auth/refresh", json=sent, headers=headers)).json()
    return Person(who.id, who.email, tokens["access_token"], tokens["refresh_token"])


async def is_signed_in(api: Api, who: Person) -> bool:
    answer = await api.client.get("/api/v1/users/me", headers=who.headers)
    assert answer.status_code in {200, 401}
    return answer.status_code == 200


async def may_refresh(api: Api, who: Person, **headers: str) -> bool:
    """Spends the refresh token."""
    sent = {"refresh_token": who.refresh_token}
    answer = await api.client.post("/api/v1/auth/refresh", json=sent, headers=headers)
    assert answer.status_code in {200, 401}
    return answer.status_code == 200
