// Mutual TLS 1.3 as one OpenSSL context: the chain's root and nothing else is trusted, every client shows a certificate,
// every connection proves its identity anew (no tickets, no resumption, no early data).

import CLibevent
import COpenSSL
import CShims
import Glibc
import Identity

/// An `SSL_CTX*` for the server's side.
final class TLSContext: @unchecked Sendable {
    // Proof for @unchecked Sendable: the context is filled in by init and not changed afterwards; OpenSSL counts its
    // references atomically and SSL_new may be called from any thread.
    let pointer: OpaquePointer
    /// Clients must be of the trust domain of the server's own certificate.
    let trustDomain: String

    init(_ credentials: TLSCredentials) throws(HTTPServerError) {
        do throws(IdentityError) {
            trustDomain = try credentials.identity.peerIdentity().id.trustDomain
        } catch {
            throw .identity(error)
        }
        guard let context = SSL_CTX_new(TLS_server_method()) else { throw .operationFailed("SSL_CTX_new") }
        do throws(HTTPServerError) {
            try TLSContext.configure(context)
            try TLSContext.install(credentials, in: context)
        } catch {
            SSL_CTX_free(context)
            throw error
        }
        pointer = context
    }

    deinit { SSL_CTX_free(pointer) }

    private static func configure(_ context: OpaquePointer) throws(HTTPServerError) {
        guard SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_3_VERSION), nil) == 1,
            SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(TLS1_3_VERSION), nil) == 1,
            SSL_CTX_set_num_tickets(context, 0) == 1
        else { throw .operationFailed("TLS 1.3") }
        SSL_CTX_set_options(context, concord_ssl_server_options())
        SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        // An idle connection then keeps no record buffers: 34 kB less each.
        SSL_CTX_ctrl(context, SSL_CTRL_MODE, Int(SSL_MODE_RELEASE_BUFFERS), nil)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, verifyClient)
        SSL_CTX_set_client_hello_cb(context, admitClientHello, nil)
    }

    private static func install(_ credentials: TLSCredentials, in context: OpaquePointer) throws(HTTPServerError) {
        do throws(IdentityError) {
            let certificate = try PEM.certificate(credentials.identity.certificatePEM)
            defer { PEM.free(certificate: certificate) }
            let key = try PEM.privateKey(credentials.identity.privateKeyPEM)
            defer { PEM.free(key: key) }
            guard SSL_CTX_use_certificate(context, certificate) == 1, SSL_CTX_use_PrivateKey(context, key) == 1,
                SSL_CTX_check_private_key(context) == 1
            else { throw .certificateRefused(.keyMismatch) }
            let roots = try PEM.certificates(credentials.certificateAuthorityPEM)
            defer { roots.forEach(PEM.free(certificate:)) }
            for root in roots {
                guard X509_check_ca(root) == 1 else { throw .certificateRefused(.isNotAuthority) }
                guard X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root) == 1,
                    SSL_CTX_add_client_CA(context, root) == 1
                else { throw .operationFailed("root store") }
            }
        } catch {
            throw .identity(error)
        }
    }
}

/// Where an `SSL*` keeps its ``Connection``. OpenSSL releases it when the SSL object is freed, whatever the reason:
/// the one hook that sees the end of every connection.
let connectionIndex: Int32 = CRYPTO_get_ex_new_index(
    CRYPTO_EX_INDEX_SSL, 0, nil, nil, nil,
    { _, value, _, _, _, _ in
        guard let value else { return }
        Unmanaged<Connection>.fromOpaque(value).takeRetainedValue().closed()
    })

extension Connection {
    /// The connection of an `SSL*`, if it is one of ours.
    static func of(_ ssl: OpaquePointer) -> Connection? {
        SSL_get_ex_data(ssl, connectionIndex).map { Unmanaged<Connection>.fromOpaque($0).takeUnretainedValue() }
    }
}

/// Before any public-key operation: refuses connections beyond the limits.
private func admitClientHello(
    _ ssl: OpaquePointer?, _ alert: UnsafeMutablePointer<Int32>?, _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let ssl, let connection = Connection.of(ssl),
        connection.beginHandshake(address: remoteAddress(SSL_get_fd(ssl)))
    else {
        alert?.pointee = SSL_AD_INTERNAL_ERROR
        return SSL_CLIENT_HELLO_ERROR
    }
    return SSL_CLIENT_HELLO_SUCCESS
}

/// After OpenSSL has verified a certificate of the chain; the leaf comes last and must name one acceptable peer.
private func verifyClient(_ isVerified: Int32, _ store: OpaquePointer?) -> Int32 {
    guard isVerified == 1, let store else { return 0 }
    guard X509_STORE_CTX_get_error_depth(store) == 0 else { return 1 }
    guard let certificate = X509_STORE_CTX_get_current_cert(store),
        let raw = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let connection = Connection.of(OpaquePointer(raw)),
        let peer = try? PeerIdentity(verifiedCertificate: certificate), connection.admit(peer)
    else {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION)
        return 0
    }
    return 1
}

/// The other end's network address without the port, as bytes in hexadecimal would be: a key for counting.
private func remoteAddress(_ descriptor: Int32) -> String {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            guard getpeername(descriptor, address, &length) == 0,
                getnameinfo(address, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0
            else { return "unknown" }
            return String(decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }
}
