#ifndef QIAO_CCURL_H
#define QIAO_CCURL_H

// libcurl for Swift: its setters are variadic and its options are macros, which Swift does not import.

#include <curl/curl.h>

typedef size_t (*qiao_curl_write)(char *bytes, size_t size, size_t count, void *context);
typedef int (*qiao_curl_socket)(CURL *easy, curl_socket_t socket, int what, void *context, void *socket_context);
typedef int (*qiao_curl_timer)(CURLM *multi, long milliseconds, void *context);
// Answers whether a connection to this address may be opened; `family` is AF_INET or AF_INET6, `address` 4 or 16 bytes.
typedef int (*qiao_curl_guard)(void *context, int family, const unsigned char *address);
// Answers whether the request may be put on the wire now.
typedef int (*qiao_curl_send)(void *context);

// What the two questions about one transfer need; must outlive it.
struct qiao_curl_questions {
  qiao_curl_guard guard;
  qiao_curl_send send;
  void *context;
};

CURLcode qiao_curl_set_long(CURL *easy, CURLoption option, long value);
CURLcode qiao_curl_set_string(CURL *easy, CURLoption option, const char *value);
CURLcode qiao_curl_set_pointer(CURL *easy, CURLoption option, const void *value);
CURLcode qiao_curl_set_write(CURL *easy, qiao_curl_write callback, void *context);
CURLcode qiao_curl_set_header(CURL *easy, qiao_curl_write callback, void *context);
CURLcode qiao_curl_set_questions(CURL *easy, const struct qiao_curl_questions *questions);
CURLMcode qiao_curl_set_multi(CURLM *multi, qiao_curl_socket on_socket, qiao_curl_timer on_timer, void *context);
CURLMcode qiao_curl_set_multi_long(CURLM *multi, CURLMoption option, long value);
long qiao_curl_status(CURL *easy);
// The easy handle and result of the next finished transfer, or NULL.
CURL *qiao_curl_next_done(CURLM *multi, CURLcode *result);
// Keeps SIGPIPE from this thread: TLS libraries write with write(2), and a broken connection must not end the process.
void qiao_block_sigpipe(void);

#endif
