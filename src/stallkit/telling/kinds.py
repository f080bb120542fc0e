"""The ways of telling. The name of each is stored with the targets; it never changes."""

from __future__ import annotations

from stallkit.manifest import Setting, SettingKind
from stallkit.telling.types import Kind
from stallkit.words import said as _

SECRET = SettingKind.SECRET
WEB = _("Address of the web hook")

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "email", _("E-mail"), _("One or more addresses."), (Setting("to", _("Addresses"), SECRET, _("Several with commas between.")),)
        ),
        Kind(
            "slack",
            "Slack",
            _("A channel, by an incoming web hook."),
            (Setting("url", WEB, SECRET, _("From Slack, under Incoming Webhooks: https://hooks.slack.com/services/…")),),
        ),
        Kind(
            "teams",
            "Microsoft Teams",
            _("A channel or chat, by a workflow."),
            (Setting("url", WEB, SECRET, _("From Teams, Workflows, “Send webhook alerts to a channel”: https://….logic.azure.com/…")),),
        ),
        Kind(
            "discord",
            "Discord",
            _("A channel, by a web hook."),
            (Setting("url", WEB, SECRET, _("From Discord, settings of the channel, Integrations: https://discord.com/api/webhooks/…")),),
        ),
        Kind(
            "telegram",
            "Telegram",
            _("A chat or group, by a bot of yours."),
            (
                Setting("token", _("Token of the bot"), SECRET, _("From @BotFather: 123456789:AbC…")),
                Setting("chat", _("Number of the chat"), SECRET, _("Digits; groups begin with a minus sign.")),
            ),
        ),
        Kind(
            "pushover",
            "Pushover",
            _("A phone."),
            (
                Setting("user", _("User key"), SECRET, _("30 characters, from your page at Pushover.")),
                Setting("token", _("Token of the application"), SECRET, _("30 characters; make an application there first.")),
            ),
        ),
        Kind(
            "ntfy",
            "ntfy",
            _("A phone or a desktop, by a topic."),
            (
                Setting("server", _("Server"), SettingKind.URL, _("https://ntfy.sh, or a server of your own."), default="https://ntfy.sh"),
                Setting("topic", _("Topic"), SECRET, _("Choose one that nobody guesses: who knows it can read along.")),
                Setting("token", _("Access token"), SECRET, _("If the server asks for one."), required=False),
            ),
        ),
        Kind(
            "webhook",
            _("A program"),
            _("JSON to a web address of yours, signed."),
            (Setting("url", _("Address"), SECRET, _("https://…; it must answer with 2xx within 15 seconds.")),),
        ),
    )
}
