// Text on a terminal: how wide it is, and what it may contain. Names that came over the network are printed here, and a
// terminal obeys escape sequences: they are made visible instead.

/// Width and safety of printed text.
public enum TerminalText {
    /// `text` with every control character, and every character that reverses the reading direction, replaced by `\u{…}`.
    public static func printable(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x00...0x1F, 0x7F...0x9F, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Columns a text takes: two for East Asian wide characters and emoji (Unicode Standard Annex #11, the common blocks
    /// only), none for combining marks, one for everything else.
    public static func width(_ text: String) -> Int {
        text.reduce(0) { $0 + width($1) }
    }

    /// `text` with spaces added up to a width.
    public static func padded(_ text: String, to count: Int, isTrailing: Bool = false) -> String {
        let spaces = String(repeating: " ", count: max(0, count - width(text)))
        return isTrailing ? spaces + text : text + spaces
    }

    /// `text` cut to a width, with an ellipsis if something is missing.
    public static func truncated(_ text: String, to count: Int) -> String {
        if width(text) <= count { return text }
        var result = ""
        var used = 1
        for character in text {
            used += width(character)
            if used > count { break }
            result.append(character)
        }
        return count > 0 ? result + "…" : ""
    }

    private static func width(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        switch first.value {
        case 0x0300...0x036F, 0x200B...0x200D, 0xFE00...0xFE0F: return 0
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
            0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
