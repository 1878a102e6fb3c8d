#ifndef QIAO_CEPOLL_H
#define QIAO_CEPOLL_H

// epoll(7) and eventfd(2) for Swift: the headers are not in its Glibc module, and `struct epoll_event` holds a union.

#include <stdint.h>

int qiao_epoll_create(void);
// `operation`: 1 add, 2 remove, 3 change. `events`: bits of qiao_epoll_in and qiao_epoll_out.
int qiao_epoll_control(int epoll, int operation, int descriptor, uint32_t events);
// Fills `descriptors` and `events`; returns their count, or -1 with errno.
int qiao_epoll_wait(int epoll, int *descriptors, uint32_t *events, int capacity, int timeout_milliseconds);
int qiao_eventfd(void);
// Names the calling thread; at most 15 bytes (pthread_setname_np(3)).
void qiao_name_thread(const char *name);

extern const uint32_t qiao_epoll_in;
extern const uint32_t qiao_epoll_out;
extern const uint32_t qiao_epoll_failed;

#endif
