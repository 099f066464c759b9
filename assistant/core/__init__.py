"""What every room uses: records, errors, configuration and files."""
