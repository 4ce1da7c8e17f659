/* paddock: the program. What it does is in engine/cli. */
#include "engine/cli/cli.h"

int main(int argc, char *argv[])
{
    return shell_main(argc, argv);
}
