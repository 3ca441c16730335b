// Hexadecimal and base64 text. Decoders accept exactly what the encoders write: one text for one byte string.

import COpenSSL

/// Lower-case hexadecimal.
public enum Hex {
    private static let digits = [UInt8]("0123456789abcdef".utf8)

    /// Two digits a byte.
    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Parses lower-case digits.
    /// - Throws: ``CryptographyError/malformedEncoding(_:)`` for an odd length or any other character.
    public static func decode(_ text: String) throws(CryptographyError) -> [UInt8] {
        let characters = [UInt8](text.utf8)
        guard characters.count.isMultiple(of: 2) else { throw .malformedEncoding("hexadecimal") }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count / 2)
        for index in stride(from: 0, to: characters.count, by: 2) {
            bytes.append(try nibble(characters[index]) << 4 | nibble(characters[index + 1]))
        }
        return bytes
    }

    private static func nibble(_ character: UInt8) throws(CryptographyError) -> UInt8 {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        default: throw .malformedEncoding("hexadecimal")
        }
    }
}

/// Standard base64 with padding (RFC 4648 section 4), as signed notes use it.
public enum Base64 {
    /// Encodes without line breaks.
    public static func encode(_ bytes: [UInt8]) -> String {
        var text = [UInt8](repeating: 0, count: 4 * ((bytes.count + 2) / 3) + 1)
        let count = EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
        return String(decoding: text.prefix(Int(count)), as: UTF8.self)
    }

    /// Decodes canonical text.
    /// - Throws: ``CryptographyError/malformedEncoding(_:)`` if re-encoding would not give `text` back.
    public static func decode(_ text: String) throws(CryptographyError) -> [UInt8] {
        let characters = [UInt8](text.utf8)
        guard characters.count.isMultiple(of: 4), characters.count <= Int(Int32.max) else {
            throw .malformedEncoding("base64")
        }
        if characters.isEmpty { return [] }
        var bytes = [UInt8](repeating: 0, count: characters.count / 4 * 3)
        guard EVP_DecodeBlock(&bytes, characters, Int32(characters.count)) == bytes.count else {
            throw .malformedEncoding("base64")
        }
        bytes.removeLast(characters.suffix(2).count { $0 == UInt8(ascii: "=") })
        guard encode(bytes) == text else { throw .malformedEncoding("base64") }
        return bytes
    }
}
