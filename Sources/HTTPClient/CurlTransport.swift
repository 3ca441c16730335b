// One libcurl easy handle and the one connection it keeps. Used by one queue at a time.

import CCurl
import CShims
import Glibc
import Identity

/// Performs requests one after the other; blocking.
final class CurlTransport: @unchecked Sendable {
    // Proof for @unchecked Sendable: `perform` is called on HTTPClient's serial queue only, so the handle is never used by two
    // threads at a time, which is all libcurl asks (libcurl-thread(3)); deinit runs when the queue holds no call any more; the
    // rest is immutable. An actor cannot take its place: `perform` blocks, and would hold a thread of the shared pool.
    private let handle: UnsafeMutableRawPointer
    private let tls: TLSFiles
    private let presentsCertificate: Bool

    init?(tls: TLSFiles, presentsCertificate: Bool) {
        guard CurlTransport.isLibraryReady, let handle = curl_easy_init() else { return nil }
        self.handle = handle
        self.tls = tls
        self.presentsCertificate = presentsCertificate
    }

    deinit { curl_easy_cleanup(handle) }

    /// Once per process: libcurl's own set-up. It does not touch signals then, so a peer that goes away must not kill us.
    private static let isLibraryReady: Bool = {
        signal(SIGPIPE, SIG_IGN)
        return curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    }()

    func perform(_ exchange: CurlExchange) -> Result<HTTPClientResponse, HTTPClientError> {
        if exchange.isCancelled { return .failure(.cancelled) }
        curl_easy_reset(handle)  // keeps the connection
        configureConnection(exchange.configuration)
        var lines: UnsafeMutablePointer<curl_slist>?
        // An empty "Expect:" keeps libcurl from waiting a second for "100 Continue" before larger bodies.
        for line in exchange.headerLines + ["Expect:"] { lines = curl_slist_append(lines, line) ?? lines }
        defer { curl_slist_free_all(lines) }
        concord_curl_set_pointer(handle, CURLOPT_HTTPHEADER, lines)
        setCallbacks(exchange)
        var reason = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
        let code = reason.withUnsafeMutableBufferPointer { buffer -> CURLcode in
            concord_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, buffer.baseAddress)
            let code = (exchange.body ?? []).withUnsafeBytes { body in
                setRequest(exchange, body)
                return curl_easy_perform(handle)
            }
            concord_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, nil)
            return code
        }
        guard code == CURLE_OK else {
            let text = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            return .failure(error(code, exchange, wasAlerted: text.contains(" alert ")))
        }
        return .success(
            HTTPClientResponse(
                status: number(CURLINFO_RESPONSE_CODE), contentType: exchange.headers["content-type"],
                body: exchange.received, headers: exchange.headers))
    }

    private func configureConnection(_ configuration: HTTPClient.Configuration) {
        set(CURLOPT_PROTOCOLS_STR, "https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_PROXY, "")  // also overrides https_proxy of the environment
        set(CURLOPT_NOPROXY, "*")
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_TCP_NODELAY, 1)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_MAXCONNECTS, 1)
        set(CURLOPT_CONNECTTIMEOUT_MS, configuration.connectMilliseconds)
        set(CURLOPT_TIMEOUT_MS, configuration.totalMilliseconds)
        if let rate = configuration.maximumUploadBytesPerSecond { set(CURLOPT_MAX_SEND_SPEED_LARGE, rate) }
        set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_3 | CURL_SSLVERSION_MAX_TLSv1_3)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_SSL_SESSIONID_CACHE, 0)
        set(CURLOPT_CAINFO, tls.certificateAuthority)
        // Debian's libcurl also trusts /etc/ssl/certs unless told otherwise: every public authority could then vouch for
        // the coordinator. And it would keep a root for a day after its file was replaced.
        concord_curl_set_string(handle, CURLOPT_CAPATH, nil)
        set(CURLOPT_CA_CACHE_TIMEOUT, 0)
        if presentsCertificate {
            set(CURLOPT_SSLCERT, tls.certificate)
            set(CURLOPT_SSLKEY, tls.privateKey)
        }
    }

    private func setRequest(_ exchange: CurlExchange, _ body: UnsafeRawBufferPointer) {
        set(CURLOPT_URL, exchange.url)
        if exchange.body != nil {
            set(CURLOPT_POSTFIELDSIZE, body.count)
            // For an empty array the address may be nil, which would mean "ask the read callback".
            if let address = body.baseAddress, !body.isEmpty {
                concord_curl_set_pointer(handle, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: address))
            } else {
                concord_curl_set_string(handle, CURLOPT_COPYPOSTFIELDS, "")
            }
            set(CURLOPT_UPLOAD_BUFFERSIZE, 256 << 10)
        } else if exchange.method == .put || exchange.method == .post {
            set(CURLOPT_POSTFIELDSIZE, 0)
            concord_curl_set_string(handle, CURLOPT_COPYPOSTFIELDS, "")
        }
        if exchange.method == .head { set(CURLOPT_NOBODY, 1) }
        concord_curl_set_string(handle, CURLOPT_CUSTOMREQUEST, exchange.method.rawValue)
    }

    private func setCallbacks(_ exchange: CurlExchange) {
        // The exchange outlives `curl_easy_perform`: the caller holds it.
        let context = Unmanaged.passUnretained(exchange).toOpaque()
        concord_curl_set_pointer(handle, CURLOPT_WRITEDATA, context)
        concord_curl_set_pointer(handle, CURLOPT_HEADERDATA, context)
        concord_curl_set_pointer(handle, CURLOPT_XFERINFODATA, context)
        concord_curl_set_write(handle) { bytes, size, count, context in
            let exchange = CurlTransport.exchange(context)
            return exchange?.append(body: UnsafeRawBufferPointer(start: bytes, count: size * count)) == true
                ? size * count : 0
        }
        concord_curl_set_header(handle) { bytes, size, count, context in
            let exchange = CurlTransport.exchange(context)
            return exchange?.append(headLine: UnsafeRawBufferPointer(start: bytes, count: size * count)) == true
                ? size * count : 0
        }
        set(CURLOPT_NOPROGRESS, 0)
        concord_curl_set_progress(handle) { context, _, _, _, _ in
            CurlTransport.exchange(context)?.isCancelled == false ? 0 : 1
        }
    }

    private static func exchange(_ context: UnsafeMutableRawPointer?) -> CurlExchange? {
        context.map { Unmanaged<CurlExchange>.fromOpaque($0).takeUnretainedValue() }
    }

    private func error(_ code: CURLcode, _ exchange: CurlExchange, wasAlerted: Bool) -> HTTPClientError {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT: return .connectionFailed
        case CURLE_OPERATION_TIMEDOUT: return .timedOut
        case CURLE_ABORTED_BY_CALLBACK: return .cancelled
        case CURLE_WRITE_ERROR where exchange.isTooLarge: return .responseTooLarge
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR: return .tlsRefused(.serverNotTrusted)
        case CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE: return .tlsRefused(.ownCredentials)
        case CURLE_SSL_CONNECT_ERROR: return .tlsRefused(wasAlerted ? .refusedByServer : .serverNotTrusted)
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE:
            if wasAlerted { return .tlsRefused(.refusedByServer) }
            // A connection that has served before was accepted before; only a new one can have been refused.
            return number(CURLINFO_NUM_CONNECTS) > 0 && !exchange.hasResponse
                ? .tlsRefused(.closedBeforeResponse) : .connectionFailed
        default: return .failed(code: Int32(bitPattern: code.rawValue))
        }
    }

    private func number(_ info: CURLINFO) -> Int {
        var value = 0
        return concord_curl_get_long(handle, info, &value) == CURLE_OK ? value : 0
    }

    private func set(_ option: CURLoption, _ value: Int) { concord_curl_set_long(handle, option, value) }
    private func set(_ option: CURLoption, _ value: String) { concord_curl_set_string(handle, option, value) }
}
