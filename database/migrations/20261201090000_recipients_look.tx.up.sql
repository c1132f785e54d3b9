-- Recipients that are due are found by their channel first, see recipients_due_in_order; each alert changes twice when they are.
DROP INDEX recipients_look;
