#define _GNU_SOURCE
#include "include/shim.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

const uint32_t qiao_epoll_in = EPOLLIN;
const uint32_t qiao_epoll_out = EPOLLOUT;
const uint32_t qiao_epoll_failed = EPOLLERR | EPOLLHUP;

int qiao_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int qiao_epoll_control(int epoll, int operation, int descriptor, uint32_t events) {
  struct epoll_event event = {.events = events, .data = {.fd = descriptor}};
  return epoll_ctl(epoll, operation, descriptor, &event);
}

int qiao_epoll_wait(int epoll, int *descriptors, uint32_t *events, int capacity, int timeout_milliseconds) {
  struct epoll_event ready[64];
  if (capacity > 64) capacity = 64;
  int count = epoll_wait(epoll, ready, capacity, timeout_milliseconds);
  for (int index = 0; index < count; index++) {
    descriptors[index] = ready[index].data.fd;
    events[index] = ready[index].events;
  }
  return count;
}

int qiao_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void qiao_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
