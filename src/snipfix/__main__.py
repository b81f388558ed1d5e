from snipfix.cli import main

main()
