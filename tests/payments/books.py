"""What localstripe knows nothing of: connected accounts, transfers to them and back, disputes.

All in the shapes of stripe-mock's answers, which `test_shapes.py` sees to.
"""

from collections.abc import Mapping
from itertools import count
from time import time

from payments.asked import Asked, Refusal, Shape, listed


class Books:
    def __init__(self) -> None:
        self.accounts: dict[str, Shape] = {}
        self.transfers: dict[str, Shape] = {}
        self.disputes: dict[str, Shape] = {}
        self._numbers = count(1)

    def sent_to(self, account_id: str) -> list[int]:
        """What is left of each transfer there."""
        return [each["amount"] - each["amount_reversed"] for each in self._transfers_to(account_id)]

    def reversals_from(self, account_id: str) -> list[Shape]:
        return [each for transfer in self._transfers_to(account_id) for each in transfer["reversals"]["data"]]

    def _transfers_to(self, account_id: str) -> list[Shape]:
        return [each for each in self.transfers.values() if each["destination"] == account_id]

    def open_account(self, asked: Asked) -> Shape:
        account: Shape = {
            "id": f"acct_{next(self._numbers)}",
            "object": "account",
            "type": asked.said["type"],
            "email": asked.said["email"],
            "country": asked.said["country"],
            "created": int(time()),
            "charges_enabled": False,
            "details_submitted": False,
            "payouts_enabled": False,
            "capabilities": {"transfers": "inactive"},
            "metadata": asked.metadata,
        }
        self.accounts[account["id"]] = account
        return account

    def account(self, account_id: str) -> Shape:
        return _found(self.accounts, account_id)

    def link(self, asked: Asked) -> Shape:
        url = f"https://connect.example.com/setup/{self.account(asked.said['account'])['id']}"
        return {"object": "account_link", "created": int(time()), "expires_at": int(time()) + 300, "url": url}

    def transfer(self, asked: Asked, charge: Shape) -> Shape:
        """Out of the charge, as far as it goes."""
        account = self.account(asked.said["destination"])
        if account["capabilities"]["transfers"] != "active":
            raise Refusal("The account takes no transfers yet.", "insufficient_capabilities_for_transfer")
        used = sum(each["amount"] for each in self.transfers.values() if each["source_transaction"] == charge["id"])
        if asked.amount > charge["amount"] - used:
            raise Refusal("The charge has insufficient funds.", "balance_insufficient")
        name = f"tr_{next(self._numbers)}"
        self.transfers[name] = {
            "id": name,
            "object": "transfer",
            "amount": asked.amount,
            "amount_reversed": 0,
            "created": int(time()),
            "currency": asked.said["currency"],
            "destination": account["id"],
            "livemode": False,
            "metadata": asked.metadata,
            "reversals": listed([], f"/v1/transfers/{name}/reversals"),
            "reversed": False,
            "source_transaction": charge["id"],
            "transfer_group": asked.said["transfer_group"],
        }
        return self.transfers[name]

    def transfers_of(self, group: str) -> Shape:
        return listed([each for each in self.transfers.values() if each["transfer_group"] == group], "/v1/transfers")

    def reverse(self, transfer_id: str, asked: Asked) -> Shape:
        transfer = _found(self.transfers, transfer_id)
        if asked.amount > transfer["amount"] - transfer["amount_reversed"]:
            raise Refusal("The reversal is greater than what is left of the transfer.", "amount_too_large")
        reversal = {
            "id": f"trr_{next(self._numbers)}",
            "object": "transfer_reversal",
            "amount": asked.amount,
            "created": int(time()),
            "currency": transfer["currency"],
            "metadata": asked.metadata,
            "transfer": transfer_id,
        }
        transfer["reversals"]["data"].append(reversal)
        transfer["amount_reversed"] += asked.amount
        transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
        return reversal

    def reversals_of(self, transfer_id: str) -> Shape:
        reversals: Shape = _found(self.transfers, transfer_id)["reversals"]
        return reversals

    def open_dispute(self, intent: Shape) -> Shape:
        name = f"dp_{intent['id']}"
        self.disputes[name] = {
            "id": name,
            "object": "dispute",
            "amount": intent["amount"],
            "charge": intent["latest_charge"]["id"],
            "created": int(time()),
            "currency": intent["currency"],
            "is_charge_refundable": False,
            "livemode": False,
            "metadata": {},
            "payment_intent": intent["id"],
            "reason": "general",
            "status": "needs_response",
        }
        return self.disputes[name]

    def dispute(self, dispute_id: str) -> Shape:
        return _found(self.disputes, dispute_id)

    def disputes_of(self, intent_id: str) -> Shape:
        found = [each for each in self.disputes.values() if each["payment_intent"] == intent_id]
        return listed(found, "/v1/disputes")


def _found(shelf: Mapping[str, Shape], name: str) -> Shape:
    if name not in shelf:
        raise Refusal(f"No such object: '{name}'", "resource_missing", 404)
    return shelf[name]
