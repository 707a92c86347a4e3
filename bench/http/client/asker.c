/*
 * Keep-alive clients of a port of 127.0.0.1, on one thread:
 *
 *   asker PORT CONNECTIONS REQUESTS DEPTH          REQUESTS in all, DEPTH of them on the way at a time on each
 *                                                  connection; prints the seconds and the microseconds of CPU
 *   asker PORT CONNECTIONS REQUESTS DEPTH RATE     so many a second, whether answers come or not; prints the median
 *                                                  and the 99th percentile of latency, in microseconds, too
 *
 * Standard input has the requests that each connection sends in turn, each after a line with its length; not all of
 * them begin with the same. Each is asked once before, and answered with 200 and a length, or with 304; from then on
 * bytes are counted, and the status looked at.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { kinds_most = 256, buffer_size = 256 * 1024 };

struct kind {
  char *text, status;
  size_t length, answer;
};

struct connection {
  int fd, sends, hears, waiting;
  size_t left;
  int64_t due;
};

static struct kind kinds[kinds_most];
static int kind_count, depth, timer = -1;
static char buffer[buffer_size];
static char *rounds;               /* the requests in turn, again and again */
static size_t starts[kinds_most];  /* where in `rounds` each begins */
static struct sockaddr_in to = {.sin_family = AF_INET};

static void fail(const char *why) {
  fprintf(stderr, "asker: %s\n", why);
  exit(1);
}

static int64_t now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static int dial(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail("cannot connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static void put(int fd, const char *text, size_t length) {
  if (send(fd, text, length, MSG_NOSIGNAL) != (ssize_t)length) fail("cannot send");
}

/* Bytes of the answer at the beginning of the buffer, or 0 when its end has not come. */
static size_t measured(size_t have) {
  buffer[have] = 0;
  char *end = strstr(buffer, "\r\n\r\n");
  if (!end) return 0;
  size_t head = end + 4 - buffer;
  if (memcmp(buffer, "HTTP/1.1 304", 12) == 0) return head;
  char *length = strcasestr(buffer, "\r\ncontent-length:");
  if (length && length < end) {
    size_t whole = head + strtoul(length + 17, NULL, 10);
    return have >= whole ? whole : 0;
  }
  return memcmp(buffer + have - 7, "\r\n0\r\n\r\n", 7) == 0 ? have : 0;
}

static void learn(struct kind *kind) {
  int fd = dial();
  put(fd, kind->text, kind->length);
  for (size_t have = 0; !kind->answer; kind->answer = measured(have)) {
    ssize_t came = recv(fd, buffer + have, sizeof buffer - 1 - have, 0);
    if (came <= 0) fail("no answer of a known length");
    have += came;
  }
  if (memcmp(buffer, "HTTP/1.1 200", 12) != 0 && memcmp(buffer, "HTTP/1.1 304", 12) != 0) fail("not answered with 200");
  kind->status = buffer[9];
  close(fd);
}

static void read_kinds(void) {
  size_t length, total = 0;
  while (scanf("%zu", &length) == 1) {
    getchar();
    if (kind_count == kinds_most) fail("too many requests");
    struct kind *kind = &kinds[kind_count++];
    kind->length = length;
    kind->text = malloc(length);
    if (fread(kind->text, 1, length, stdin) != length) fail("a request is cut off");
    total += length;
  }
  if (!kind_count) fail("no request");
  int turns = depth / kind_count + 2;
  char *end = rounds = malloc(total * turns);
  for (int turn = 0; turn < turns; turn++)
    for (int at = 0; at < kind_count; at++) {
      if (turn == 0) starts[at] = end - rounds;
      end = mempcpy(end, kinds[at].text, kinds[at].length);
    }
}

/* The next requests of a connection, in one write. */
static void ask(struct connection *it, int count) {
  size_t length = 0;
  const char *from = rounds + starts[it->sends];
  for (int at = 0; at < count; at++) {
    length += kinds[it->sends].length;
    it->sends = (it->sends + 1) % kind_count;
  }
  it->waiting = count;
  put(it->fd, from, length);
}

/* Counts what has come. */
static void hear(struct connection *it) {
  ssize_t came = recv(it->fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (came <= 0) fail("a connection has ended");
  for (size_t at = 0, have = came; at < have;) {
    if (it->waiting == 0) fail("more came than an answer");
    size_t whole = kinds[it->hears].answer;
    if (it->left == whole && have - at > 9 && buffer[at + 9] != kinds[it->hears].status) fail("not answered as before");
    size_t taken = it->left < have - at ? it->left : have - at;
    at += taken;
    it->left -= taken;
    if (it->left > 0) break;
    it->hears = (it->hears + 1) % kind_count;
    it->left = kinds[it->hears].answer;
    it->waiting--;
  }
}

static int by_size(const void *a, const void *b) {
  uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
  return left < right ? -1 : left > right;
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  to.sin_port = htons(atoi(argv[1]));
  inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  int count = atoi(argv[2]);
  long requests = atol(argv[3]);
  depth = atoi(argv[4]);
  double rate = argc > 5 ? atof(argv[5]) : 0;
  read_kinds();
  for (int at = 0; at < kind_count; at++) learn(&kinds[at]);

  struct connection *all = calloc(count, sizeof *all), **idle = calloc(count, sizeof *idle);
  uint32_t *latencies = rate ? calloc(requests, sizeof *latencies) : NULL;
  struct epoll_event events[256];
  int epoll = epoll_create1(0);
  for (int at = 0; at < count; at++) {
    int first = (long)at * kind_count / count;
    all[at] = (struct connection){.fd = dial(), .sends = first, .hears = first, .left = kinds[first].answer};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[at]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, all[at].fd, &event);
    idle[at] = &all[at];
  }

  /* What is due and finds no idle connection waits, and its latency counts from when it was due. */
  long due = 0, asked = 0, answered = 0, idle_from = 0, idle_to = count;
  int64_t began = now(), gap = rate ? 1e9 / rate : 0;
  if (rate) {
    struct itimerspec ticks = {
        .it_value = {.tv_sec = (began + gap) / 1000000000, .tv_nsec = (began + gap) % 1000000000},
        .it_interval = {.tv_sec = gap / 1000000000, .tv_nsec = gap % 1000000000}};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &ticks, NULL);
    epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
  } else {
    due = requests;
  }
  for (;;) {
    for (; asked < requests && idle_from < idle_to && due - asked > 0; idle_from++) {
      struct connection *it = idle[idle_from % count];
      long some = requests - asked < depth ? requests - asked : depth;
      it->due = began + (asked + 1) * gap;
      ask(it, rate ? 1 : some);
      asked += it->waiting;
    }
    if (answered == requests) break;
    int woken = epoll_wait(epoll, events, 256, -1);
    for (int at = 0; at < woken; at++) {
      struct connection *it = events[at].data.ptr;
      if (!it) {
        uint64_t ticks;
        if (read(timer, &ticks, sizeof ticks) == sizeof ticks) due += ticks;
        continue;
      }
      int waited = it->waiting;
      hear(it);
      if (rate) latencies[answered] = now() - it->due < UINT32_MAX ? now() - it->due : UINT32_MAX;
      answered += waited - it->waiting;
      if (it->waiting == 0) idle[idle_to++ % count] = it;
    }
  }
  double seconds = (now() - began) / 1e9;
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  long cpu = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000L + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
  printf("{\"seconds\":%f,\"cpu\":%ld", seconds, cpu);
  if (rate) {
    qsort(latencies, requests, sizeof *latencies, by_size);
    printf(",\"p50\":%.1f,\"p99\":%.1f", latencies[requests / 2] / 1e3, latencies[requests * 99 / 100] / 1e3);
  }
  puts("}");
}
