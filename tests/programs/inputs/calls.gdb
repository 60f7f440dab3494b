# Calls functions that allocate in a process that is stopped while its other threads are in the middle of malloc.
set pagination off
set confirm off
set width 0
set print thread-events off
set print inferior-events off
set disable-randomization off
set breakpoint pending off
break look_here
commands
  silent
  set $stops = $stops + 1
  # The text of a call is an array that gdb puts into memory which it asks the process's malloc for.
  print (char*)strdup("abc")
  set $text = $
  set $sum = $sum + (int)strlen($text)
  set $large = (char*)malloc(100000 + $stops)
  set $room = (unsigned long)malloc_usable_size($large)
  set $wrong = $wrong + ($room < 100000 + $stops)
  set $filled = (void*)memset($large, 7, $room)
  set $large = (char*)realloc($large, 3000000)
  set $wrong = $wrong + ($large[100000] != 7)
  set $zero = (char*)calloc(1000, 7)
  set $wrong = $wrong + ($zero[0] != 0) + ($zero[6999] != 0)
  call (void)free($large)
  call (void)free($zero)
  call (void)free($text)
  continue
end
set $stops = 0
set $sum = 0
set $wrong = 0
