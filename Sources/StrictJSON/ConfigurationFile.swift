// Reading settings from JSON5. Unknown keys are refused, because a misspelt limit is a missing limit.

import FoundationEssentials

/// A configuration that cannot be used; names the key and what was expected.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Safe to log: carries no secret.
    public let description: String
    /// Describes a fault.
    public init(_ description: String) { self.description = "configuration: \(description)" }
}

/// Settings as a file holds them: one object whose keys are all known.
public protocol ConfigurationFile: Decodable {
    /// Every key the file may have.
    associatedtype CodingKeys: CodingKey, CaseIterable
}

extension ConfigurationFile {
    /// Reads JSON5. Ranges of values are the caller's to check.
    /// - Throws: ``ConfigurationError`` naming the key.
    public static func decoded(json5 bytes: [UInt8]) throws(ConfigurationError) -> Self {
        // Foundation's reader of JSON5 traps on a name that is not UTF-8.
        guard String(validating: bytes, as: UTF8.self) != nil else { throw ConfigurationError("not UTF-8") }
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        do {
            let names = try decoder.decode(FileKeys.self, from: Data(bytes)).names
            if let unknown = names.subtracting(CodingKeys.allCases.map(\.stringValue)).min() {
                throw ConfigurationError("unknown key \(unknown)")
            }
            return try decoder.decode(Self.self, from: Data(bytes))
        } catch let error as ConfigurationError {
            throw error
        } catch DecodingError.keyNotFound(let key, _) {
            throw ConfigurationError("\(key.stringValue) is missing")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            throw ConfigurationError("\(context.codingPath.last?.stringValue ?? "file") has the wrong type")
        } catch {
            throw ConfigurationError("not JSON5")
        }
    }
}

/// The keys of an object, whatever they are.
private struct FileKeys: Decodable {
    let names: Set<String>

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        names = Set(try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue))
    }
}
