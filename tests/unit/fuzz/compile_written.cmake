# Makes a C++ test of an input and compiles it, as far as its meaning.
set(written ${FOLDER}/written_test.cc)
execute_process(COMMAND ${REPRODUCE} cpp ${INPUT} -o ${written} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only -Wall -Wextra -Werror -I${SOURCE_DIR} ${written}
                COMMAND_ERROR_IS_FATAL ANY)
