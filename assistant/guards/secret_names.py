"""What people call the things that they keep to themselves, in lower case; for `passwords`."""

from __future__ import annotations

import re

# Somebody chose what these name, ...
PASSWORD = re.compile(
    r"pass[ _-]?(?:word|phrase|wd|wort|ord)|kennwort|losungswort|mot de passe|contrase[nñ]a|palavra-passe"
    r"|wachtwoord|l[oö]senord|adgangskode|kodeord|salasana|slapta[zž]odis|[sş]ifre|κωδικ[οό]ς|парол[аьяю]|סיסמה"
    r"|كلمة (?:المرور|السر)|密码|密碼|口令|パスワード|비밀번호|암호|mật khẩu|kata sandi"
    r"|(?<![^\W_])(?:pwd|pw|pass|passwd|mdp|psk|clave|senha|parol[ae]?|heslo|geslo|lozinka|jelsz[oó]|has[lł]o)(?![a-z])"
)
# ... a bank or a machine gave these, ...
PIN = re.compile(
    r"(?<![^\W_])(?:(?:pin|passcode)s?(?:[ -](?:code|number|nummer|no))?|nip|t?otp|m?tan|cvv2?|cvc2?|csc|puk"
    r"|geheimzahl|пин)(?![a-z])"
    r"|(?:time|verification|security|access|door|gate|alarm|entry|unlock|sms|confirmation|login|authentication|safe|my"
    r"|your|activation|backup|recovery|2fa|mfa|authenticator|voicemail)[ -](?:pass)?(?:code|pin)"
    r"(?:[ -](?:number|no))?(?![a-z])"
    r"|(?:safe|lock|vault|padlock)[ -]combination"
    r"|(?:bestätigungs|sicherheits|zugangs|tür|einmal|freischalt|alarm)code"
    r"|code (?:de |d')?(?:vérification|sécurité|secret|accès)|código (?:de )?(?:verificación|seguridad|acceso)"
    r"|codice (?:di )?(?:verifica|sicurezza|segreto)|暗証番号|验证码|驗證碼|認証コード|인증번호"
)
# ... and these are keys.
KEY = re.compile(
    r"(?:api|access|secret|private|auth|client|account|signing|encryption|session|refresh|bearer|consumer|shared|master"
    r"|app|application|licen[cs]e|storage|subscription|service|deploy|webhook)[ _-]?(?:access[ _-]?)?"
    r"(?:key|token|secret|cookie)|(?<![a-z])session(?==)"
    r"|(?<![^\W_])(?:secret|token|credential|apikey|sig|signature|sid|(?:j|php)sess(?:ion)?id|sessionid)(?![a-z])"
    r"|schlüssel|clé (?:api|secrète|d'accès)|clave (?:api|secreta)"
)
