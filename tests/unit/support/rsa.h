/* rsa: a private key of 2048 bits for tests of what is imported. Made once; nothing trusts it. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_RSA_H
#define PADDOCK_TESTS_UNIT_SUPPORT_RSA_H

static const char test_rsa_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCesE+45KmZlJo4\n"
    "1bIzkidjXA7noCNGdmDCrTMrt3DDfzlfjdhzVYJa0qOJWG3xJlXXNBcFLSYwY2t2\n"
    "+RzDHyTRSp5l6PL25mdwpxg2kKyqruo4Fq3xX6l99KntVfYuVQ4iJv9iMpwjdNna\n"
    "18i4CDLMkFg2TCk+BOJKqvNEWlQbtjjUVybEUbJIkYvU7FI4PJRcCv5SdaivleQi\n"
    "BUMB1qU6pJ91YHeugLfW6v2vcDaba1XWbFElXbqF43ZqYOMCLld4b1I4JM+EdpcW\n"
    "+vrXu9Sob94e4v5WYKOCthQ2wf/hpXheN4D+hmD9A4ityhG19jAVussgBZnoJKws\n"
    "brOj6oUTAgMBAAECggEABSHvVviwxZwvusiqovSTHCl+yYR9iTD/lmK/7D+NwNaT\n"
    "r/poaetcZ0lqnnqDBjdqGlpMdLXnoM2hma9n/AwJueoGCOzJnJO9YvOvzeZmN0t0\n"
    "ahkA49tnIed9oYTT80UVmAqXD85SpeqIuB8EY0A2O5vFk25pY3o79kdLAMbdJo8N\n"
    "6WWqsL0jW5dLzcU6S7bD1No89CcZblAYtMxetAwiST4Wt8pVeRg3TvHxxXal23hl\n"
    "2r1tKN/ejLedgPcBnVpdvpUse+1/4fQoeCz3QKivmxVAiOogMtjJ2OPOO8ic+1P5\n"
    "fiN1IQNlVwylsedu2xhVgyMuTLaRdY6Fyr5HBI8uVQKBgQDOWcPpReomD7YUGP5W\n"
    "qkN6si2Jw++dWQXau6t0OMdpT2RtdemdSAPOeQ+GS+aXebIPY01ZZ8tKSJcNsAyk\n"
    "MoIrSzFVx5liv0wGWjm45EuYvDk7jAdzMR1CcSepfcHtrSUEJ/3a9+MzUAwDsTen\n"
    "WUKx5TD1VB86IBaZV5U/mx/iHwKBgQDE3stQ6cd9QUTB1/5BMtr/mU+Ykm4iKZuq\n"
    "K/8rFtUBhDxGZhcDVqsLypHXhbCFCvayXedXHSjO+XcWWg+HVvB1Dn3OURLPD1bi\n"
    "xgajOskmiaswlMhZ7zH6B1g/dqeZDcy4BgsSHsbV/WcF0d0X8ayk78gKS/VH3ZpV\n"
    "AaW7PKnGjQKBgFhIsXfxUJ9eI3FvzAk6KUqqRq9lY/P27XlKx60eybo1nGr0grGm\n"
    "6PICe3DislJmX5cTzjkNHj221uGlS5NIhMaPEhl4HxjPbXBeU8nV6r368aWXYGyZ\n"
    "O8J8dRKf2kOcy3R+w65WVh9TBQDjZkMz/kPsIckkZ4PPzLtobFNdRAPTAoGBAL/v\n"
    "Tl2Gbn1JYtVx1WqPQD+topJnQISB+EfCOTYzPlwKJhGkeo9AseX/Co0Kw/wRok5n\n"
    "iqG9xglz4YyjJTyXoDsfc7vwAtxoYhcZZWNCbtXppkLo6yPzNdBD1N+auO9ZKtvG\n"
    "2IhEBSqfsQ9Vea5caisrsuWHBI2aGVsDDicrj4IJAoGAIyaF9qrT019zQG6OuQlB\n"
    "gbPZOFZ5VKvdYsRPTQgsjB2Ki6lK67JSMnVkWa0kEXLYpHqCvGrfCVoLxC9trDBy\n"
    "RM3BoNNA9TMZrcmXXaVN8A51KKJCP8QA68ua8AeFTX11fpiO5/4gqN88EtoJbEZy\n"
    "KQweUOD98U4FyXWRYEPtsZ0=\n"
    "-----END PRIVATE KEY-----\n";

#endif
