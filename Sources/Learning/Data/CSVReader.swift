// A streaming reader of comma-separated values (RFC 4180): quotes, doubled quotes, CRLF or LF, newlines inside quotes,
// a UTF-8 byte-order mark. It holds one row and no more, so memory is bounded whatever the file holds.

/// Cuts chunks of bytes into rows. A value: no I/O; the caller feeds chunks of any size, cut anywhere.
struct CSVReader {
    /// What RFC 4180 does not allow in a row. The row is still cut at its newline, so the next one is read correctly.
    enum Fault: String, Equatable, Sendable {
        case strayQuote = "quotes only around a whole field"
        case textAfterQuote = "a comma or the end of the line after a closing quote"
        case nul = "text without NUL"
        case loneCarriageReturn = "a line feed after a carriage return"
    }

    private enum State { case fieldStart, unquoted, quoted, quoteInQuoted, carriageReturn }

    /// The unescaped bytes of the row's fields, one after the other.
    private(set) var bytes: [UInt8] = []
    /// Where each field ends in ``bytes``.
    private(set) var ends: [Int] = []
    /// The line on which the row starts; the first line of a file is 1.
    private(set) var line = 1
    /// The first violation in this row.
    private(set) var fault: Fault?

    private let maximumRowBytes: Int
    private let maximumFields: Int
    private var state = State.fieldStart
    private var currentLine = 1
    private var rowBytes = 0
    private var byteOrderMarkProgress = 0
    private var rowIsComplete = false
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    init(maximumRowBytes: Int, maximumFields: Int) {
        self.maximumRowBytes = maximumRowBytes
        self.maximumFields = maximumFields
    }

    /// Number of fields of the complete row.
    var fieldCount: Int { ends.count }
    /// A blank line: one empty field. Files often end with some; they carry nothing.
    var isBlank: Bool { ends.count == 1 && bytes.isEmpty && fault == nil }

    /// The bytes of field `index` of the complete row.
    func field(_ index: Int) -> ArraySlice<UInt8> { bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]] }

    /// Reads on from `position` until a row is complete (true) or the chunk is used up (false).
    /// - Throws: ``ImportError/rowTooLong(line:maximumBytes:)``, ``ImportError/tooManyFields(line:maximum:)``.
    mutating func advance(through chunk: [UInt8], from position: inout Int) throws(ImportError) -> Bool {
        startRowIfNeeded()
        while position < chunk.count {
            let byte = chunk[position]
            position += 1
            if byteOrderMarkProgress < 3 {
                if byte == Self.byteOrderMark[byteOrderMarkProgress] {
                    byteOrderMarkProgress += 1
                    continue
                }
                // Not a mark after all: what was taken for one is text of the first field.
                bytes.append(contentsOf: Self.byteOrderMark[..<byteOrderMarkProgress])
                if byteOrderMarkProgress > 0 { state = .unquoted }
                byteOrderMarkProgress = 3
            }
            rowBytes += 1
            if rowBytes > maximumRowBytes { throw .rowTooLong(line: line, maximumBytes: maximumRowBytes) }
            if try take(byte) {
                rowIsComplete = true
                return true
            }
        }
        return false
    }

    /// Ends the file. True if a last row without a newline is complete.
    /// - Throws: ``ImportError/unterminatedQuote(line:)``, ``ImportError/tooManyFields(line:maximum:)``.
    mutating func finish() throws(ImportError) -> Bool {
        startRowIfNeeded()
        switch state {
        case .quoted: throw .unterminatedQuote(line: line)
        case .fieldStart where ends.isEmpty: return false
        case .carriageReturn: note(.loneCarriageReturn)
        case .fieldStart, .unquoted, .quoteInQuoted: break
        }
        try endField()
        rowIsComplete = true
        return true
    }

    private mutating func startRowIfNeeded() {
        guard rowIsComplete else { return }
        rowIsComplete = false
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        fault = nil
        rowBytes = 0
        line = currentLine
    }

    /// One transition; true at the end of a row.
    @inline(__always)
    private mutating func take(_ byte: UInt8) throws(ImportError) -> Bool {
        if byte == 0x0A { currentLine += 1 }
        if byte == 0 { note(.nul) }
        switch state {
        case .unquoted, .fieldStart:
            switch byte {
            case UInt8(ascii: ","): try endField()
            case 0x0A:
                try endField()
                return true
            case 0x0D: state = .carriageReturn
            case UInt8(ascii: "\"") where state == .fieldStart: state = .quoted
            case UInt8(ascii: "\""):
                note(.strayQuote)
                bytes.append(byte)
            default:
                bytes.append(byte)
                state = .unquoted
            }
        case .quoted:
            if byte == UInt8(ascii: "\"") { state = .quoteInQuoted } else { bytes.append(byte) }
        case .quoteInQuoted:
            switch byte {
            case UInt8(ascii: "\""):
                bytes.append(byte)
                state = .quoted
            case UInt8(ascii: ","): try endField()
            case 0x0A:
                try endField()
                return true
            case 0x0D: state = .carriageReturn
            default:
                note(.textAfterQuote)
                bytes.append(byte)
                state = .unquoted
            }
        case .carriageReturn:
            switch byte {
            case 0x0A:
                try endField()
                return true
            case UInt8(ascii: ","):
                note(.loneCarriageReturn)
                try endField()
            case 0x0D: note(.loneCarriageReturn)
            default:
                note(.loneCarriageReturn)
                bytes.append(byte)
                state = .unquoted
            }
        }
        return false
    }

    @inline(__always)
    private mutating func endField() throws(ImportError) {
        if ends.count == maximumFields { throw .tooManyFields(line: line, maximum: maximumFields) }
        ends.append(bytes.count)
        state = .fieldStart
    }

    private mutating func note(_ violation: Fault) {
        if fault == nil { fault = violation }
    }
}
