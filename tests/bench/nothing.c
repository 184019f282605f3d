/* A program that does nothing: what a process costs. With an argument it ends at once. */
#include <unistd.h>

int main(int argc, char **argv) {
    (void)argv;
    if (argc < 2) {
        pause();
    }
    return 0;
}
