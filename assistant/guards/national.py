"""National numbers: how each is written, which module of python-stdnum checks it, and what has to name it.

A sum of one digit passes a tenth of all numbers. A number that nothing names must so have a letter, two check digits,
a date or a layout of its own beside it; the others count only near the word that says what they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Number:
    """How a kind of number is written, the module that checks it, and the words that must stand before it, if any."""

    kind: str
    pattern: re.Pattern[str]
    module: str
    named: re.Pattern[str] | None = None


def _number(kind: str, pattern: str, module: str, named: str = "") -> Number:
    near = re.compile(rf"\b(?:{named})\b", re.IGNORECASE) if named else None
    return Number(kind, re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE), module, near)


_TAX = r"steuer\w*|tax\w*|tin|fiscal\w*|fiscale?|"
NATIONAL = (
    _number("social security number", r"\d{3}-\d{2}-\d{4}", "us.ssn"),
    _number("social security number", r"\d{3}[ .]?\d{2}[ .]?\d{4}", "us.ssn", r"ssn|social security"),
    _number("tax number", r"9\d{2}[ -]?[4-9]\d[ -]?\d{4}", "us.itin", r"itin|tax\w*"),
    _number("tax number", r"\d{2}-\d{7}", "us.ein", r"ein|employer id\w*|tax\w*"),
    _number("insurance number", r"[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]", ""),  # British: no sum
    _number("insurance number", r"\d{2} ?(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2} ?[A-Z] ?\d{3}", ""),  # German
    _number("NHS number", r"\d{3}[ -]?\d{3}[ -]?\d{4}", "gb.nhs", r"nhs"),
    _number("tax number", r"\d{10}K?", "gb.utr", r"utr|unique taxpayer|" + _TAX[:-1]),
    _number("tax number", r"\d{2}[ /]?\d{3}[ /]?\d{3}[ /]?\d{3}", "de.idnr"),
    _number("social security number", r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", "fr.nir"),
    _number("tax number", r"[0-3]\d ?\d{2} ?\d{3} ?\d{3} ?\d{3}", "fr.nif", _TAX + r"spi|nif"),
    _number("tax number", r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", "it.codicefiscale"),
    _number("identity number", r"\d{8}-?[A-Z]", "es.dni"),
    _number("identity number", r"[XYZ]-?\d{7}-?[A-Z]", "es.nie"),
    _number("citizen number", r"\d{9}", "nl.bsn", r"bsn|burgerservicenummer|citizen service"),
    _number("national number", r"\d{2}\.?\d{2}\.?\d{2}-?\d{3}\.?\d{2}", "be.nn"),
    _number("national number", r"\d{11}", "pl.pesel"),
    _number("tax number", r"\d{3}-?\d{3}-?\d{2}-?\d{2}", "pl.nip", r"nip|" + _TAX[:-1]),
    _number("national number", r"(?:\d{2})?\d{6}[-+]\d{4}", "se.personnummer"),
    _number("national number", r"(?:\d{2})?\d{10}", "se.personnummer", r"personnummer|personal identity"),
    _number("national number", r"\d{6}[-+A-Y]\d{3}[0-9A-Y]", "fi.hetu"),
    _number("national number", r"\d{6}[ -]?\d{5}", "no.fodselsnummer"),
    _number("national number", r"\d{6}-\d{4}", "dk.cpr"),
    _number("national number", r"\d{6} ?\d{4}", "dk.cpr", r"cpr\w*|personnummer"),
    _number("national number", r"\d{6}-?\d{4}", "is_.kennitala", r"kennitala\w*"),
    _number("national number", r"\d{6}/\d{3,4}", "cz.rc"),
    _number("national number", r"\d{9,10}", "cz.rc", r"rodn[eé] [cč][ií]slo|birth number"),
    _number("national number", r"756\.?\d{4}\.?\d{4}\.?\d{2}", "ch.ssn"),
    _number("insurance number", r"\d{4}[ -]?\d{6}", "at.vnr", r"svnr|sozialversicherung\w*|versicherungsnummer"),
    _number("national number", r"[1-8]\d{12}", "ro.cnp"),
    _number("national number", r"\d{10}", "bg.egn", r"egn|егн"),
    _number("national number", r"\d{11}", "ee.ik"),
    _number("national number", r"\d{11}", "lt.asmens"),
    _number("national number", r"\d{11}", "gr.amka", r"amka|αμκα"),
    _number("tax number", r"\d{9}", "gr.vat", r"afm|αφμ|" + _TAX[:-1]),
    _number("national number", r"\d{11}", "hr.oib", r"oib|osobni identifikacijski"),
    _number("national number", r"\d{13}", "si.emso"),
    _number("public service number", r"\d{7}[A-W][ABHWTX]?", "ie.pps"),
    _number("tax number", r"\d{3} ?\d{3} ?\d{3}", "pt.nif", _TAX + r"nif|contribuinte"),
    _number("identity number", r"\d{8} ?\d ?[A-Z0-9]{2}\d", "pt.cc"),
    _number("national number", r"[1-9]\d{10}", "tr.tckimlik"),
    _number("national number", r"\d{17}[\dX]", "cn.ric"),
    _number("national number", r"\d{6}-[1-8]\d{6}", "kr.rrn"),
    _number("national number", r"\d{4}[ -]?\d{4}[ -]?\d{4}", "jp.in_", r"my ?number|マイナンバー|個人番号"),
    _number("national number", r"(?!20\d\d)[2-9]\d{3}[ -]\d{4}[ -]\d{4}", "in_.aadhaar"),
    _number("national number", r"\d{12}", "in_.aadhaar", r"aadhaa?r|uidai?"),
    _number("tax number", r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", "in_.pan"),
    _number("national number", r"\d{6}-\d{2}-\d{4}", "my.nric"),
    _number("national number", r"\d-\d{4}-\d{5}-\d{2}-\d", "th.pin"),
    _number("national number", r"\d{13}", "th.pin", r"thai\w*|citizen id|national id\w*"),
    _number("national number", r"\d{5}-\d{7}-\d", "pk.cnic"),
    _number("national number", r"\d{16}", "id.nik", r"nik|ktp"),
    _number("identity number", r"\d{9}", "il.idnr", r"teudat zehut|mispar zehut|israeli id\w*|תעודת זהות|ת\.ז"),
    _number("national number", r"\d{13}", "za.idnr"),
    _number("social insurance number", r"\d{3}[ -]?\d{3}[ -]?\d{3}", "ca.sin", r"sin|social insurance|nas"),
    _number("tax number", r"\d{3} ?\d{3} ?\d{2,3}", "au.tfn", r"tfn|tax file"),
    _number("tax number", r"\d{2,3}[ -]?\d{3}[ -]?\d{3}", "nz.ird", r"ird|inland revenue"),
    _number("tax number", r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", "br.cpf"),
    _number("company number", r"\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}", "br.cnpj"),
    _number("national number", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d", "mx.curp"),
    _number("tax number", r"[A-ZÑ&]{4}-?\d{6}-?[A-Z0-9]{3}", "mx.rfc"),
    _number("tax number", r"(?:2[03-7]|3[034])-\d{8}-\d", "ar.cuit"),
    _number("tax number", r"(?:2[03-7]|3[034])\d{9}", "ar.cuit", r"cui[tl]"),
    _number("national number", r"\d{1,2}\.\d{3}\.\d{3}-[\dK]", "cl.rut"),
    _number("national number", r"\d{7,8}-?[\dK]", "cl.rut", r"ru[tn]"),
    _number("national number", r"\d{10}", "ec.ci", r"c[eé]dula|ecuador\w*"),
    _number("national number", r"\d{3}-\d{7}-\d", "do.cedula"),
    _number("tax number", r"[VEJPG]-?\d{8}-?\d", "ve.rif"),
    _number("tax number", r"\d{4} ?\d{6} ?\d{2}|\d{12}", "ru.inn", r"inn|инн"),
    _number("tax number", r"\d{10}", "ua.rntrc", r"rntrc|рнокпп|ипн|іпн"),
)  # fmt: skip
