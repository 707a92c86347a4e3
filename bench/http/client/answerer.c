/*
 * A server on a port of 127.0.0.1, on one thread, that says the same to every request:
 *
 *   answerer [BYTES]     prints its port; answers with what is on standard input, behind a line with its length, and
 *                        then with so many bytes; ends when standard input does
 *
 * A request without a body is no more to it than an empty line, and GET has none. Other bodies have a length or are in
 * chunks, and are read to their end first.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * With one connection, half of the time would be that of a core that wakes up: so long it is kept awake for clients that
 * are still at it, slow ones too.
 */
enum { head_most = 16 * 1024, piece_size = 256 * 1024, awake_ns = 1000 * 1000 };

struct connection {
  int fd, chunked;
  size_t have;           /* bytes in `rest`: the beginning of a head, or of a chunk's size */
  long long body, owed;  /* bytes of a body, or of a chunk, that are to come; bytes of the answer that are to go */
  char rest[head_most];
};

static char buffer[head_most + piece_size + 1], piece[piece_size], *answer;
static size_t answer_length;
static long long bytes;
static int epoll;

static void fail(const char *why) {
  fprintf(stderr, "answerer: %s\n", why);
  exit(1);
}

static int64_t now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void watch(int operation, int fd, uint32_t events, void *data) {
  struct epoll_event event = {.events = events, .data.ptr = data};
  epoll_ctl(epoll, operation, fd, &event);
}

/* As much of what is owed as the connection takes. */
static void pay(struct connection *it) {
  while (it->owed > 0) {
    size_t next = it->owed < piece_size ? (size_t)it->owed : piece_size;
    ssize_t went = send(it->fd, piece, next, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (went < 0) return;
    it->owed -= went;
  }
  watch(EPOLL_CTL_MOD, it->fd, EPOLLIN, it);
}

static void say(struct connection *it) {
  it->chunked = 0;
  if (it->owed > 0) fail("asked again before the answer has gone");
  if (send(it->fd, answer, answer_length, MSG_NOSIGNAL) != (ssize_t)answer_length) return;
  if (!bytes) return;
  it->owed += bytes;
  watch(EPOLL_CTL_MOD, it->fd, EPOLLIN | EPOLLOUT, it);
  pay(it);
}

/* What follows a head, of which `end` is the empty line. */
static void begin(struct connection *it, char *head, char *end) {
  if (*head == 'G') {
    say(it);
    return;
  }
  *end = 0;
  char *length = strcasestr(head, "\r\ncontent-length:");
  it->chunked = strcasestr(head, "\r\ntransfer-encoding:") != NULL;
  it->body = length ? atoll(length + 17) : 0;
  if (!it->chunked && it->body == 0) say(it);
}

/* Takes a head, a piece of a body, or a chunk's size; returns what is behind it, or NULL when its end has not come. */
static char *take(struct connection *it, char *at, char *end) {
  if (it->body > 0) {
    size_t taken = it->body < end - at ? (size_t)it->body : (size_t)(end - at);
    it->body -= taken;
    if (it->body == 0 && !it->chunked) say(it);
    return at + taken;
  }
  int last = it->chunked && *at == '0';
  int line = it->chunked && !last;
  char *found = memmem(at, end - at, line ? "\r\n" : "\r\n\r\n", line ? 2 : 4);
  if (!found) return NULL;
  if (line) {
    it->body = strtoll(at, NULL, 16) + 2;
    return found + 2;
  }
  if (last) say(it);
  else begin(it, at, found + 2);
  return found + 4;
}

static void hear(struct connection *it) {
  memcpy(buffer, it->rest, it->have);
  ssize_t came = recv(it->fd, buffer + it->have, piece_size, MSG_DONTWAIT);
  if (came <= 0) {
    close(it->fd);
    free(it);
    return;
  }
  char *at = buffer, *end = buffer + it->have + came;
  for (char *next; at < end && (next = take(it, at, end)); at = next)
    ;
  it->have = end - at;
  if (it->have > head_most) fail("a head is too long");
  memcpy(it->rest, at, it->have);
}

static void greet(int listener) {
  int on = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  if (fd < 0) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct connection *it = malloc(sizeof *it);
  it->fd = fd;
  it->chunked = it->have = it->body = it->owed = 0;
  watch(EPOLL_CTL_ADD, fd, EPOLLIN, it);
}

int main(int argc, char **argv) {
  bytes = argc > 1 ? atoll(argv[1]) : 0;
  if (scanf("%zu", &answer_length) != 1 || getchar() != '\n') fail("no answer");
  answer = malloc(answer_length);
  if (fread(answer, 1, answer_length, stdin) != answer_length) fail("the answer is cut off");
  memset(piece, 'x', sizeof piece);

  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof here;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), parent;
  if (bind(listener, (struct sockaddr *)&here, size) < 0 || listen(listener, 512) < 0) fail("cannot listen");
  getsockname(listener, (struct sockaddr *)&here, &size);
  printf("%d\n", ntohs(here.sin_port));
  fflush(stdout);

  struct epoll_event events[256];
  epoll = epoll_create1(0);
  watch(EPOLL_CTL_ADD, listener, EPOLLIN, &listener);
  watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, &parent);
  for (int64_t heard = 0;;) {
    int count = epoll_wait(epoll, events, 256, 0);
    if (count == 0 && now() - heard < awake_ns) continue;
    if (count == 0) count = epoll_wait(epoll, events, 256, -1);
    heard = now();
    for (int at = 0; at < count; at++) {
      void *data = events[at].data.ptr;
      if (data == &parent) return 0;
      if (data == &listener) greet(listener);
      else if (events[at].events == EPOLLOUT) pay(data);
      else hear(data);
    }
  }
}
