// What Swift cannot import from the C libraries: cast macros, function-like macros and variadic functions.
#pragma once
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <sqlite3.h>
#include <malloc.h>

/// SQLITE_TRANSIENT is a cast macro.
static inline sqlite3_destructor_type concord_sqlite_transient(void) { return SQLITE_TRANSIENT; }

/// curl_easy_setopt is variadic; one typed function per kind of argument.
static inline CURLcode concord_curl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode concord_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode concord_curl_set_string(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode concord_curl_set_write(CURL *handle, curl_write_callback callback) {
    return curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, callback);
}
static inline CURLcode concord_curl_set_header(CURL *handle, curl_write_callback callback) {
    return curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, callback);
}
static inline CURLcode concord_curl_get_long(CURL *handle, CURLINFO info, long *value) {
    return curl_easy_getinfo(handle, info, value);
}

/// sqlite3_db_config is variadic; this is its on/off form.
static inline int concord_sqlite_set_option(sqlite3 *database, int option, int enabled) {
    return sqlite3_db_config(database, option, enabled, (int *)0);
}
static inline CURLcode concord_curl_set_progress(CURL *handle, curl_xferinfo_callback callback) {
    return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, callback);
}

/// OpenSSL 3 spells its option bits with a function-like macro.
static inline uint64_t concord_ssl_server_options(void) {
    return SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION;
}

/// glibc's malloc.h is not in Swift's Glibc module.
static inline void concord_release_free_memory(void) { (void)malloc_trim(0); }
