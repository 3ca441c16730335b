// What a refusal looks like, and that it changed nothing.

import Foundation
import HTTPServer
import Testing

extension HTTPResponse {
    /// The last component of the problem's type, read by Foundation (RFC 9457).
    var problemCode: String? {
        guard contentType == "application/problem+json",
            let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any],
            object["status"] as? Int == status, let type = object["type"] as? String
        else { return nil }
        return type.split(separator: ":").last.map(String.init)
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The members of a JSON object.
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]) ?? [:]
    }
}

extension DirectChain {
    /// Expects that `request` is refused with a problem, and that no table has another row afterwards.
    func expectRefusal(
        _ status: Int, _ code: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ request: () async throws -> HTTPResponse
    ) async throws {
        let before = try await rowCounts()
        let response = try await request()
        #expect(response.status == status, "\(response.text)", sourceLocation: sourceLocation)
        #expect(response.problemCode == code, "\(response.text)", sourceLocation: sourceLocation)
        let after = try await rowCounts()
        #expect(after == before, sourceLocation: sourceLocation)
    }
}
