# Makes C++ tests of inputs and compiles them, as far as their meaning.
function(compile_written name)
  set(written ${FOLDER}/written_test.cc)
  file(COPY_FILE ${INPUT} "${FOLDER}/${name}")
  execute_process(COMMAND ${REPRODUCE} cpp "${FOLDER}/${name}" -o ${written} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only -Wall -Wextra -Werror -I${SOURCE_DIR} ${written}
                  COMMAND_ERROR_IS_FATAL ANY)
endfunction()

compile_written(written_input)
# The name of a file is anything.
compile_written("-7 up\"it's\nlines*\\")
