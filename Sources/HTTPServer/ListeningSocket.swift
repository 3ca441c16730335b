// One listening TCP socket, handed to every loop as a duplicate. Not SO_REUSEPORT: a second process on the same port must
// fail to start instead of taking half of the connections.

import Glibc

struct ListeningSocket: ~Copyable {
    private let descriptor: Int32
    /// The port it listens on.
    let port: UInt16

    init(address: String, port: UInt16) throws(HTTPServerError) {
        var storage = sockaddr_storage()
        let length = try ListeningSocket.fill(&storage, address, port)
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(Int32(storage.ss_family), kind, 0)
        guard descriptor >= 0 else { throw .bindFailed(code: errno) }
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
        // Inherited by accepted sockets. libevent writes head and body as two TLS records; without this the second waits
        // 40 ms for the acknowledgement of the first.
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
        let bound = ListeningSocket.withAddress(&storage) { Glibc.bind(descriptor, $0, length) }
        guard bound == 0, listen(descriptor, 1_024) == 0 else {
            let code = errno
            close(descriptor)
            throw .bindFailed(code: code)
        }
        var actual = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let named = ListeningSocket.withAddress(&storage) { getsockname(descriptor, $0, &actual) }
        guard named == 0 else {
            let code = errno
            close(descriptor)
            throw .bindFailed(code: code)
        }
        self.descriptor = descriptor
        // The port lies at the same place in both kinds of address.
        self.port = withUnsafeBytes(of: &storage) { UInt16($0[2]) << 8 | UInt16($0[3]) }
    }

    deinit { close(descriptor) }

    /// A descriptor of its own for one loop.
    func duplicate() throws(HTTPServerError) -> Int32 {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw .bindFailed(code: errno) }
        return copy
    }

    /// Whether the text is a loopback address: 127.0.0.0/8 or ::1.
    static func isLoopback(_ address: String) -> Bool {
        var version4 = in_addr()
        if inet_pton(AF_INET, address, &version4) == 1 { return UInt32(bigEndian: version4.s_addr) >> 24 == 127 }
        var version6 = in6_addr()
        guard inet_pton(AF_INET6, address, &version6) == 1 else { return false }
        return withUnsafeBytes(of: version6) { $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1 }
    }

    private static func fill(
        _ storage: inout sockaddr_storage, _ address: String, _ port: UInt16
    ) throws(HTTPServerError) -> socklen_t {
        var version4 = sockaddr_in()
        if inet_pton(AF_INET, address, &version4.sin_addr) == 1 {
            version4.sin_family = sa_family_t(AF_INET)
            version4.sin_port = port.bigEndian
            withUnsafeMutableBytes(of: &storage) { $0.copyBytes(from: withUnsafeBytes(of: version4) { Array($0) }) }
            return socklen_t(MemoryLayout<sockaddr_in>.size)
        }
        var version6 = sockaddr_in6()
        guard inet_pton(AF_INET6, address, &version6.sin6_addr) == 1 else { throw .badAddress }
        version6.sin6_family = sa_family_t(AF_INET6)
        version6.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &storage) { $0.copyBytes(from: withUnsafeBytes(of: version6) { Array($0) }) }
        return socklen_t(MemoryLayout<sockaddr_in6>.size)
    }

    private static func withAddress(
        _ storage: inout sockaddr_storage, _ body: (UnsafeMutablePointer<sockaddr>) -> Int32
    ) -> Int32 {
        withUnsafeMutablePointer(to: &storage) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
    }
}
