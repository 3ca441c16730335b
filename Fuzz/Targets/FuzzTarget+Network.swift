// What arrives before a message does: names, certificates, request targets.

import Coordinator
import Cryptography
import FoundationEssentials
import HTTPServer
import Identity
import PeopleAPI

extension FuzzTarget {
    static let network: [FuzzTarget] = [
        text("spiffe-id", { try? SPIFFEID($0) }, writing: { $0.description }),
        FuzzTarget("certificate") { (bytes) throws(FuzzFinding) in
            let body = Base64.encode(bytes)
            var lines = ["-----BEGIN CERTIFICATE-----"]
            var rest = body[...]
            while !rest.isEmpty {
                lines.append(String(rest.prefix(64)))
                rest = rest.dropFirst(64)
            }
            lines += ["-----END CERTIFICATE-----", ""]
            guard let peer = try? PeerIdentity(certificatePEM: lines.joined(separator: "\n")) else { return }
            try expect((try? SPIFFEID(peer.id.description)) == peer.id, "an identity has one name")
        },
        FuzzTarget("certificate-pem") { (bytes) throws(FuzzFinding) in
            _ = try? PeerIdentity(certificatePEM: String(decoding: bytes, as: UTF8.self))
        },
        // What people send is read by Foundation.
        FuzzTarget("people-request") { (bytes) throws(FuzzFinding) in
            _ = try? JSONDecoder().decode(RoundsRequest.self, from: Data(bytes))
            _ = try? JSONDecoder().decode(RevocationRequest.self, from: Data(bytes))
        },
        FuzzTarget("request-target") { (bytes) throws(FuzzFinding) in
            guard let target = try? RequestTarget(bytes) else { return }
            for part in target.path {
                try expect(
                    !part.isEmpty && part != "." && part != ".." && !part.utf8.contains(UInt8(ascii: "/")),
                    "no component can be read as a path")
            }
            for method in [HTTPMethod.get, .put, .post] {
                guard let (operation, arguments) = Coordinator.Operation.match(method: method, path: target.path) else {
                    continue
                }
                try expect(operation.rule.method == method, "the operation is one of the method")
                try expect(!arguments.contains { $0.isEmpty }, "no argument is empty")
            }
        },
    ]
}
