# What RSA gave is remembered (known_rsa.cc).
set(rsa_functions EVP_PKEY_encrypt EVP_PKEY_decrypt)
