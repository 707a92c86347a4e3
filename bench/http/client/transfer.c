/*
 * One request to a port of 127.0.0.1, and its answer:
 *
 *   transfer PORT BYTES     sends the head on standard input, a body of so many bytes, and reads until the end;
 *                           prints the seconds, the microseconds of CPU, and the bytes that came
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

static char piece[256 * 1024];

static void fail(const char *why) {
  fprintf(stderr, "transfer: %s\n", why);
  exit(1);
}

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec + at.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  long long left = atoll(argv[2]), came = 0;
  ssize_t some = fread(piece, 1, sizeof piece, stdin);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail("cannot connect");

  double began = now();
  if (send(fd, piece, some, MSG_NOSIGNAL) != some) fail("cannot send");
  for (memset(piece, 'x', sizeof piece); left > 0; left -= some) {
    size_t next = left < (long long)sizeof piece ? (size_t)left : sizeof piece;
    if ((some = send(fd, piece, next, MSG_NOSIGNAL)) <= 0) fail("the body was not taken");
  }
  while ((some = recv(fd, piece, sizeof piece, 0)) > 0) {
    if (came == 0 && memcmp(piece, "HTTP/1.1 200", 12) != 0) fail("not answered with 200");
    came += some;
  }
  if (some < 0) fail("the answer was cut off");
  double seconds = now() - began;
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  printf("{\"seconds\":%f,\"cpu\":%ld,\"came\":%lld}\n", seconds,
         (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000L + used.ru_utime.tv_usec + used.ru_stime.tv_usec, came);
}
