// The grammar of names: what is accepted is exactly what is written, and everything else is refused by its part.

import Identity
import Testing

struct SPIFFEIDTests {
    @Test(arguments: [
        ("spiffe://chain.example/store/north-7", Role.store, "north-7"),
        ("spiffe://chain.example/coordinator/eu", .coordinator, "eu"),
        ("spiffe://chain.example/plan-owner/Ada.L", .planOwner, "Ada.L"),
        ("spiffe://chain.example/officer/o_1", .officer, "o_1"),
        ("spiffe://chain.example/engineer/e", .engineer, "e"),
        ("spiffe://chain.example/operator/op", .operator, "op"),
        ("spiffe://chain.example/auditor/...", .auditor, "..."),
    ])
    func acceptsAndWritesTheSameText(text: String, role: Role, name: String) throws {
        let id = try SPIFFEID(text)
        #expect(id.trustDomain == "chain.example")
        #expect(id.role == role)
        #expect(id.name == name)
        #expect(id.description == text)
        #expect(try SPIFFEID(trustDomain: "chain.example", role: role, name: name) == id)
    }

    static let refused: [(String, IdentityError.SPIFFEIDPart)] = [
        ("", .scheme),
        ("SPIFFE://chain/store/a", .scheme),
        ("https://chain/store/a", .scheme),
        ("spiffe:/chain/store/a", .scheme),
        ("spiffe://", .trustDomain),
        ("spiffe:///store/a", .trustDomain),
        ("spiffe://Chain/store/a", .trustDomain),
        ("spiffe://chain:443/store/a", .trustDomain),
        ("spiffe://user@chain/store/a", .trustDomain),
        ("spiffe://ch%61in/store/a", .trustDomain),
        ("spiffe://chaïn/store/a", .trustDomain),
        ("spiffe://\(String(repeating: "a", count: 256))/store/a", .trustDomain),
        ("spiffe://chain", .path),
        ("spiffe://chain/", .path),
        ("spiffe://chain/store", .path),
        ("spiffe://chain/store/a/", .path),
        ("spiffe://chain/store/a/b", .path),
        ("spiffe://chain/shop/a", .role),
        ("spiffe://chain/Store/a", .role),
        ("spiffe://chain//a", .role),
        ("spiffe://chain/planOwner/a", .role),
        ("spiffe://chain/store/", .name),
        ("spiffe://chain/store/.", .name),
        ("spiffe://chain/store/..", .name),
        ("spiffe://chain/store/a b", .name),
        ("spiffe://chain/store/a%2fb", .name),
        ("spiffe://chain/store/a?x", .name),
        ("spiffe://chain/store/a#x", .name),
        ("spiffe://chain/store/a\u{0}", .name),
        ("spiffe://chain/store/é", .name),
        ("spiffe://chain/store/\(String(repeating: "a", count: 65))", .name),
        ("spiffe://chain/store/\(String(repeating: "a", count: 3_000))", .length),
    ]

    @Test(arguments: refused)
    func refusesByPart(text: String, part: IdentityError.SPIFFEIDPart) {
        #expect(throws: IdentityError.malformedSPIFFEID(part)) { try SPIFFEID(text) }
    }

    @Test func refusesPartsThatWouldNotParse() {
        #expect(throws: IdentityError.malformedSPIFFEID(.trustDomain)) {
            try SPIFFEID(trustDomain: "a/store", role: .store, name: "x")
        }
        #expect(throws: IdentityError.malformedSPIFFEID(.name)) {
            try SPIFFEID(trustDomain: "a", role: .store, name: "x/../y")
        }
    }
}
