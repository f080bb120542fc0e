"""Why a call or a file of 1C is refused: in English for the hub's screens, in Russian for the person who reads 1C's log."""

from __future__ import annotations

from enum import Enum

from stallkit.sources.types import FileRefused
from stallkit.words import Said
from stallkit.words import said as _


class Refusal(Enum):
    """(English, Russian); ``{detail}`` there and ``{}`` here is a detail."""

    NOT_XML = (
        _("The file is no whole XML document: {detail}. It may have been cut off on its way; let 1C send it again."),
        "Файл не читается как XML целиком: {}. Возможно, он передан не полностью. Повторите обмен.",
    )
    ENCODING = (
        _("The file is not in the encoding that its first line names: {detail}."),
        "Кодировка файла не та, что указана в его первой строке: {}.",
    )
    DOCTYPE = (
        _("The file declares a document type (DOCTYPE). CommerceML has none; such files are not read."),
        "В файле есть объявление DOCTYPE. В CommerceML его не бывает, такие файлы не принимаются.",
    )
    OTHER_XML = (
        _("The file is XML, but not CommerceML: it begins with {detail}, not with КоммерческаяИнформация."),
        "Это не файл CommerceML: он начинается с {}, а не с КоммерческаяИнформация.",
    )
    TOO_MANY_ROWS = (_("The file has more than {detail} rows."), "В файле больше {} строк.")
    TOO_LARGE = (
        _("More than {detail} bytes came in one session. Let 1C send changes only, or without pictures."),
        "За один сеанс передано больше {} байт. Выгружайте только изменения или без картинок.",
    )
    TOO_MANY_FILES = (_("More than {detail} files came in one session."), "За один сеанс передано больше {} файлов.")
    EXPANDS = (
        _("The archive {detail} unpacks to more than is allowed. Send smaller files."),
        "Архив {} распаковывается в слишком большой объём. Уменьшите выгрузку.",
    )
    NOT_ZIP = (
        _("The archive {detail} is no whole ZIP file. It may have been cut off on its way; let 1C send it again."),
        "Архив {} повреждён или передан не полностью. Повторите обмен.",
    )
    NAME = (_("A file may not be called {detail}."), "Недопустимое имя файла: {}.")
    NO_FILE = (
        _("There is no file {detail} in this session: it must be sent before it is imported."),
        "Файл {} в этом сеансе не передавался. Сначала он должен быть передан (mode=file).",
    )
    CUT_BODY = (
        _("The connection broke: of {detail} bytes not all came. Nothing of this part was kept."),
        "Соединение прервалось: из {} байт получены не все. Эта часть не сохранена, повторите обмен.",
    )
    EMPTY_BODY = (_("The file {detail} is empty."), "Файл {} пуст.")
    NO_SESSION = (
        _("This session is not known, or has ended. Begin again with checkauth."),
        "Сеанс обмена не найден или закончился. Начните обмен заново (mode=checkauth).",
    )
    NOT_STARTED = (
        _("Call mode=init before {detail}."),
        "Перед mode={} нужно вызвать mode=init.",
    )
    MODE = (
        _("The mode {detail} is not known here."),
        "Неизвестный режим обмена: {}.",
    )
    KIND = (
        _("type must be catalog or sale, not {detail}."),
        "Параметр type должен быть catalog или sale, а не {}.",
    )
    OTHER_KIND = (
        _("The session was begun for {detail}, this call is for the other one. Catalogue and orders have sessions of their own."),
        "Сеанс начат для type={}. Для товаров и для заказов нужны отдельные сеансы.",
    )
    PASSWORD = (
        _("The user name or the password is wrong."),
        "Неверное имя пользователя или пароль. Проверьте настройки обмена с сайтом в 1С.",
    )
    LOCKED = (
        _("Too many wrong passwords. None is looked at for {detail} minutes."),
        "Слишком много неверных паролей. Повторите через {} мин.",
    )
    TOO_OFTEN = (
        _("More than {detail} sessions in an hour. Let the exchange run less often."),
        "Больше {} сеансов за час. Уменьшите частоту обмена.",
    )
    SWITCHED_OFF = (
        _("This source is switched off in Stallkeeper."),
        "Этот источник выключен в Stallkeeper.",
    )
    LEVELS = (
        _("The source is set up for differences, and 1C sends what is there. Set it to “sets what is listed” in Stallkeeper."),
        "Источник в Stallkeeper настроен на приращения, а 1С передаёт остатки. Измените его режим.",
    )
    STOPPED = (
        _("The figures were not taken over: {detail} Nothing was changed. A person must let them through in Stallkeeper."),
        "Остатки не приняты: изменилось бы слишком много, ничего не изменено. Откройте источник в Stallkeeper и подтвердите загрузку. ({})",
    )
    NO_FIGURES = (
        _("{detail}"),
        "Файл не принят: {}",
    )
    OURS = (
        _("Something failed in the hub and was logged; nothing was changed. 1C will send it again."),
        "Внутренняя ошибка Stallkeeper, она записана в журнал. Ничего не изменено, повторите обмен.",
    )


class ExchangeRefused(FileRefused):
    """A refusal with its words for both sides: ``str`` is English, ``russian`` is what 1C's user reads."""

    def __init__(self, kind: Refusal, detail: str = "") -> None:
        english, russian = kind.value
        super().__init__(Said(english.pattern, {"detail": detail}) if "{detail}" in english else english)
        self.kind = kind
        self.russian = russian.format(detail)


def refuse(kind: Refusal, detail: str = "") -> ExchangeRefused:
    """The error to raise; the detail is shortened and kept in one line."""
    plain = "".join(sign if sign.isprintable() else " " for sign in detail)
    short = " ".join(plain.split())[:300]
    return ExchangeRefused(kind, detail if short == detail else short)
