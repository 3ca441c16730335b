// Certificates that this project would never issue, made once with `openssl req -x509` (self-signed, P-256, keys thrown
// away), to prove that none of them gives an identity.

import Identity
import Testing

enum Fixtures {
    struct Refused: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let error: IdentityError
        let pem: String
    }

    static let twoURIs = Refused(
        testDescription: "two SPIFFE URIs", error: .certificateRefused(.uriCount),
        pem: """
            -----BEGIN CERTIFICATE-----
            MIIBxTCCAWugAwIBAgIUKqrrPaEiHfzQRjQJAs/sNddGMpAwCgYIKoZIzj0EAwIw
            EjEQMA4GA1UEAwwHZml4dHVyZTAgFw0yNjExMjAyMzMxMzFaGA8yMTI2MTAyNzIz
            MzEzMVowEjEQMA4GA1UEAwwHZml4dHVyZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
            A0IABEzx+cTewve4HA3NHqHNMjpwsSFBtg7Rf6WFUsT4mpuz5PzXCptMu5MGrEGm
            DpLHQ041eXsat7NjerS1ZhXNir6jgZwwgZkwHQYDVR0OBBYEFEsqG2996P2Oc+5m
            m2eG1SJUILQIMB8GA1UdIwQYMBaAFEsqG2996P2Oc+5mm2eG1SJUILQIMAwGA1Ud
            EwEB/wQCMAAwSQYDVR0RBEIwQIYec3BpZmZlOi8vY2hhaW4uZXhhbXBsZS9zdG9y
            ZS9hhh5zcGlmZmU6Ly9jaGFpbi5leGFtcGxlL3N0b3JlL2IwCgYIKoZIzj0EAwID
            SAAwRQIgIbm1NMlmxVfpT62UBJZb+zBVF0N1VTmz5VhLb/30AFACIQDyQNdQ2Q1H
            G7DH5grUNmPwQZsoYwyZF7gmmbTpmub30w==
            -----END CERTIFICATE-----

            """)

    static let noURI = Refused(
        testDescription: "no URI", error: .certificateRefused(.uriCount),
        pem: """
            -----BEGIN CERTIFICATE-----
            MIIBjjCCATSgAwIBAgIUYnlL2dhRZksA1YEPh1Gm5VCOe3EwCgYIKoZIzj0EAwIw
            EjEQMA4GA1UEAwwHZml4dHVyZTAgFw0yNjExMjAyMzMxMzFaGA8yMTI2MTAyNzIz
            MzEzMVowEjEQMA4GA1UEAwwHZml4dHVyZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
            A0IABCXNpKPXTqLjwg71Q4lv492XuHKcwmFFZDV2i1oe3OmqzXMQoI5HW1G/N569
            WVuFGlmMgF3kzovOLIwxigGfDYajZjBkMB0GA1UdDgQWBBT3gesSHVvogaUDrXfX
            kG32x5c50TAfBgNVHSMEGDAWgBT3gesSHVvogaUDrXfXkG32x5c50TAMBgNVHRMB
            Af8EAjAAMBQGA1UdEQQNMAuCCWEuZXhhbXBsZTAKBggqhkjOPQQDAgNIADBFAiEA
            1gaQllllvRYdorN3eE9u/83k2TJ8nO9S8wjCO6eg6esCIHwVu8YB9duYZF435ron
            5+JCPUUx+0hYXM5Xsm9HIz+x
            -----END CERTIFICATE-----

            """)

    static let foreignURI = Refused(
        testDescription: "a URI that is no SPIFFE id", error: .malformedSPIFFEID(.scheme),
        pem: """
            -----BEGIN CERTIFICATE-----
            MIIBojCCAUigAwIBAgIUbMumETdoByWv5G4EwPaOeTQ1s2owCgYIKoZIzj0EAwIw
            EjEQMA4GA1UEAwwHZml4dHVyZTAgFw0yNjExMjAyMzMxMzFaGA8yMTI2MTAyNzIz
            MzEzMVowEjEQMA4GA1UEAwwHZml4dHVyZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
            A0IABJgpx8S/uT0Kaqd1Jnkoj1l/o+RwvzwZ/j79JCvj8tQhTlh0d3sVHLLmVOpi
            QqhKNahc3XTZq7Goq9l8ZdAZIymjejB4MB0GA1UdDgQWBBQcpGMD7l3jtb/GwV0X
            9xILm2J1ZjAfBgNVHSMEGDAWgBQcpGMD7l3jtb/GwV0X9xILm2J1ZjAMBgNVHRMB
            Af8EAjAAMCgGA1UdEQQhMB+GHWh0dHBzOi8vY2hhaW4uZXhhbXBsZS9zdG9yZS9h
            MAoGCCqGSM49BAMCA0gAMEUCIBD3snamYZootLHvFGb7n2ui6JgNQNdJm2e2FSDt
            CzfdAiEAvUjhiobDo1vU9YAp23q9vTfg+J4GaG1dIorEjatTFXU=
            -----END CERTIFICATE-----

            """)

}
