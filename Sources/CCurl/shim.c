#include "include/shim.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

CURLcode qiao_curl_set_long(CURL *easy, CURLoption option, long value) { return curl_easy_setopt(easy, option, value); }

CURLcode qiao_curl_set_string(CURL *easy, CURLoption option, const char *value) {
  return curl_easy_setopt(easy, option, value);
}

CURLcode qiao_curl_set_pointer(CURL *easy, CURLoption option, const void *value) {
  return curl_easy_setopt(easy, option, value);
}

CURLcode qiao_curl_set_write(CURL *easy, qiao_curl_write callback, void *context) {
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, context);
  return curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, callback);
}

CURLcode qiao_curl_set_header(CURL *easy, qiao_curl_write callback, void *context) {
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, context);
  return curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, callback);
}

// Asked with the address after name resolution, so a name that points to a private address is seen for what it is.
static curl_socket_t open_guarded(void *data, curlsocktype purpose, struct curl_sockaddr *address) {
  const struct qiao_curl_questions *questions = data;
  (void)purpose;
  const unsigned char *bytes = NULL;
  if (address->family == AF_INET)
    bytes = (const unsigned char *)&((struct sockaddr_in *)&address->addr)->sin_addr;
  else if (address->family == AF_INET6)
    bytes = (const unsigned char *)&((struct sockaddr_in6 *)&address->addr)->sin6_addr;
  if (bytes == NULL || !questions->guard(questions->context, address->family, bytes)) return CURL_SOCKET_BAD;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int before_request(void *data, char *remote, char *local, int remote_port, int local_port) {
  const struct qiao_curl_questions *questions = data;
  (void)remote, (void)local, (void)remote_port, (void)local_port;
  return questions->send(questions->context) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

CURLcode qiao_curl_set_questions(CURL *easy, const struct qiao_curl_questions *questions) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, questions);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_guarded);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_PREREQDATA, questions);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
  return code;
}

CURLMcode qiao_curl_set_multi(CURLM *multi, qiao_curl_socket on_socket, qiao_curl_timer on_timer, void *context) {
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
  return curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
}

CURLMcode qiao_curl_set_multi_long(CURLM *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}

long qiao_curl_status(CURL *easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

CURL *qiao_curl_next_done(CURLM *multi, CURLcode *result) {
  int left = 0;
  CURLMsg *message;
  while ((message = curl_multi_info_read(multi, &left)) != NULL) {
    if (message->msg != CURLMSG_DONE) continue;
    *result = message->data.result;
    return message->easy_handle;
  }
  return NULL;
}

void qiao_block_sigpipe(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
}
