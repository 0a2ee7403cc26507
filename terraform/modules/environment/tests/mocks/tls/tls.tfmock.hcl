# The same for what only a server could tell.
mock_data "tls_certificate" {
  defaults = { certificates = [{
    cert_pem         = "", is_ca = true, issuer = "", not_after = "", not_before = "", public_key_algorithm = "", serial_number = "", signature_algorithm = "", subject = "", version = 3
    sha1_fingerprint = "0123456789abcdef0123456789abcdef01234567"
  }] }
}
