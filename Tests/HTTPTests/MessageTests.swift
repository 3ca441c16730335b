// The pure parts: request targets and problem documents.

import Foundation
import HTTPClient
import Testing

@testable import HTTPServer

struct MessageTests {
    static let accepted: [(String, [String], [String: String])] = [
        ("/", [], [:]),
        ("/a", ["a"], [:]),
        ("/a/b%20c/%C3%A4", ["a", "b c", "ä"], [:]),
        ("/a?", ["a"], [:]),
        ("/a?b", ["a"], ["b": ""]),
        ("/a?b=c&d=e%3Df&&g=", ["a"], ["b": "c", "d": "e=f", "g": ""]),
        ("/a?b=c?d/../e", ["a"], ["b": "c?d/../e"]),
        ("/...", ["..."], [:]),
        ("/a+b?c+d=e", ["a+b"], ["c+d": "e"]),
    ]

    @Test(arguments: accepted)
    func acceptsTargets(text: String, path: [String], query: [String: String]) throws {
        let target = try RequestTarget([UInt8](text.utf8))
        #expect(target.path == path)
        #expect(target.query == query)
    }

    static let refused: [(String, RequestTarget.Fault)] = [
        ("", .notOriginForm), ("a", .notOriginForm), ("*", .notOriginForm),
        ("http://a/", .notOriginForm), ("/ä", .character), ("/a b", .character), ("/a#b", .character),
        ("/a\\b", .character), ("/a\"b", .character), ("/a\u{0}", .character), ("/%", .percentEncoding),
        ("/%4", .percentEncoding), ("/%G0", .percentEncoding), ("/%00", .percentEncoding),
        ("/%C3", .percentEncoding), ("/%C0%80", .percentEncoding), ("/?a=%FF", .percentEncoding),
        ("//", .component), ("/a/", .component), ("/.", .component), ("/..", .component), ("/%2e%2e", .component),
        ("/a%2Fb", .component), ("/%0D%0A", .component), ("/%7F", .component),
        ("/?a&a", .duplicateQueryField), ("/?a=1&%61=2", .duplicateQueryField),
        (String(repeating: "/a", count: 65), .tooManyParts),
        ("/?\((0..<65).map(String.init).joined(separator: "&"))", .tooManyParts),
    ]

    @Test(arguments: refused)
    func refusesTargets(text: String, fault: RequestTarget.Fault) {
        #expect(throws: fault) { try RequestTarget([UInt8](text.utf8)) }
    }

    @Test func problemsAreJSONThatReadsBack() throws {
        let awkward = "a\"b\\c\n\r\t\u{1}\u{7f}</script>&\u{2028}ä😀"
        let problem = HTTPResponse.problem(
            status: 409, type: "urn:concord:problem:x", title: awkward, detail: awkward,
            extras: ["count": 7, "open": true, "text": .text(awkward), "status": 1])
        #expect(problem.status == 409)
        #expect(problem.contentType == "application/problem+json")
        #expect(problem.body.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "<") && $0 != 0x7f })
        let object = try #require(try JSONSerialization.jsonObject(with: Data(problem.body)) as? [String: Any])
        #expect(object["title"] as? String == awkward)
        #expect(object["detail"] as? String == awkward)
        #expect(object["text"] as? String == awkward)
        #expect(object["status"] as? Int == 409)
        #expect(object["count"] as? Int == 7)
        #expect(object["open"] as? Bool == true)
        #expect(object.count == 7)
    }

    @Test func headerInjectionIsDropped() async throws {
        let fixture = try TestServer(handler: { _ in
            HTTPResponse(
                status: 200, headers: [.init("X-A", "b\r\nX-Evil: 1"), .init("X-B\r\nX-Evil", "1"), .init("X-C", "d")])
        })
        let answer = try await fixture.client().send(.get, path: "/")
        #expect(answer.headers["x-evil"] == nil)
        #expect(answer.headers["x-a"] == nil)
        #expect(answer.headers["x-c"] == "d")
        await fixture.server.stop()
    }
}
