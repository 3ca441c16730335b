#pragma once
// Before libevent: its configuration header defines _GNU_SOURCE, which gives fd_set another member name than the one in
// Swift's Glibc module, and two definitions of one type do not compile together.
#include <sys/select.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <event2/thread.h>
