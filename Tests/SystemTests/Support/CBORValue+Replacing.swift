// Breaking one field of a message and nothing else.

import WireFormat

extension CBORValue {
    /// The same map with field `key` replaced.
    /// - Throws: `WireFormatError` if this is no map with that field.
    func replacing(field key: UInt64, with value: CBORValue) throws(WireFormatError) -> CBORValue {
        guard case .map(let entries) = self, entries.contains(where: { $0.key == key }) else {
            throw .unexpected(field: "\(key)", expected: "a field")
        }
        return .map(entries.map { $0.key == key ? MapEntry(key, value) : $0 })
    }

    /// The same map with field `key` as another map has it.
    /// - Throws: `WireFormatError` if either is no map with that field.
    func replacing(field key: UInt64, from other: CBORValue) throws(WireFormatError) -> CBORValue {
        guard case .map(let entries) = other, let entry = entries.first(where: { $0.key == key }) else {
            throw .unexpected(field: "\(key)", expected: "a field")
        }
        return try replacing(field: key, with: entry.value)
    }
}
